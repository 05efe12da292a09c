//! Rust source as words, string literals and marks, without comments.
//!
//! Just enough of the language to tell code from what only looks like it: comments (nested ones
//! too), strings plain and raw, characters and lifetimes. Numbers come out as words.

/// One piece of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// A name, keyword or number.
    Word(String),
    /// What a string literal holds, escapes as they are written.
    Text(String),
    /// Any other character that is no blank.
    Mark(char),
}

/// The tokens of a source, each with its line counted from one.
pub fn tokens(source: &str) -> Vec<(usize, Token)> {
    let mut reader = Reader {
        chars: source.chars().collect(),
        at: 0,
        line: 1,
    };
    let mut tokens = vec![];
    while let Some(token) = reader.next_token() {
        tokens.push(token);
    }
    tokens
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn take(&mut self) -> Option<char> {
        let taken = self.peek(0)?;
        self.at += 1;
        self.line += usize::from(taken == '\n');
        Some(taken)
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars()
            .enumerate()
            .all(|(n, c)| self.peek(n) == Some(c))
    }

    fn next_token(&mut self) -> Option<(usize, Token)> {
        loop {
            let line = self.line;
            if self.starts_with("//") {
                while self.peek(0).is_some_and(|c| c != '\n') {
                    self.take();
                }
            } else if self.starts_with("/*") {
                self.block_comment();
            } else {
                match self.take()? {
                    '"' => return Some((line, Token::Text(self.string()))),
                    '\'' => self.character_or_lifetime(),
                    c if c.is_whitespace() => {}
                    c if is_word(c) => return Some((line, self.word_or_raw_string(c))),
                    c => return Some((line, Token::Mark(c))),
                }
            }
        }
    }

    fn block_comment(&mut self) {
        let mut depth = 0;
        loop {
            if self.starts_with("/*") {
                depth += 1;
                self.take();
            } else if self.starts_with("*/") {
                depth -= 1;
                self.take();
            }
            if self.take().is_none() || depth == 0 {
                return;
            }
        }
    }

    /// The rest of a plain string, after its opening quote.
    fn string(&mut self) -> String {
        let mut text = String::new();
        while let Some(c) = self.take() {
            match c {
                '"' => break,
                '\\' => {
                    text.push(c);
                    text.extend(self.take());
                }
                _ => text.push(c),
            }
        }
        text
    }

    /// What follows a single quote: the rest of a character, or of a lifetime, which is let be.
    fn character_or_lifetime(&mut self) {
        if self.peek(0) == Some('\\') {
            self.take();
            self.take();
            while self.take().is_some_and(|c| c != '\'') {}
        } else if self.peek(1) == Some('\'') {
            self.take();
            self.take();
        }
    }

    fn word_or_raw_string(&mut self, first: char) -> Token {
        let mut word = String::from(first);
        while let Some(c) = self.peek(0).filter(|c| is_word(*c)) {
            word.push(c);
            self.take();
        }
        let hashes = (0..).take_while(|n| self.peek(*n) == Some('#')).count();
        if !matches!(word.as_str(), "r" | "br" | "cr") || self.peek(hashes) != Some('"') {
            return Token::Word(word);
        }
        self.at += hashes + 1;
        let end = format!("\"{}", "#".repeat(hashes));
        let mut text = String::new();
        while !self.starts_with(&end) {
            let Some(c) = self.take() else { break };
            text.push(c);
        }
        self.at += end.len();
        Token::Text(text)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn code_is_told_from_what_looks_like_it() {
    let source = "a /* b /* c */ d */ 'e' '\\'' 'f: \"g \\\" // h\" // i\nr#\"j \" k\"# b\"l\" r#m";
    let words: Vec<String> = tokens(source)
        .into_iter()
        .map(|(line, token)| match token {
            Token::Word(word) => format!("{line} {word}"),
            Token::Text(text) => format!("{line} <{text}>"),
            Token::Mark(mark) => format!("{line} {mark}"),
        })
        .collect();
    assert_eq!(
        words,
        [
            "1 a",
            "1 f",
            "1 :",
            "1 <g \\\" // h>",
            "2 <j \" k>",
            "2 b",
            "2 <l>",
            "2 r",
            "2 #",
            "2 m",
        ]
    );
}
