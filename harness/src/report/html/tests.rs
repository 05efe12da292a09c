//! That the page is whole, holds everything, needs nothing beside itself, and lets nothing in.

use std::collections::BTreeMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use quick_xml::events::attributes::Attribute;

use super::*;
use crate::report::sample;

/// How often each element is in a page, its text, and its attributes' values.
struct Read {
    elements: BTreeMap<String, usize>,
    text: String,
    links: Vec<String>,
    ids: Vec<String>,
}

/// Reads a page as XML, which is stricter than HTML: each element closed, each `&` escaped.
fn read(page: &str) -> Read {
    let mut reader = Reader::from_str(page);
    let mut read = Read {
        elements: BTreeMap::new(),
        text: String::new(),
        links: vec![],
        ids: vec![],
    };
    let mut depth = 0_usize;
    loop {
        let event = reader.read_event().expect("a well-formed page");
        if let Event::Start(_) = event {
            depth += 1;
        }
        match event {
            Event::Start(tag) | Event::Empty(tag) => {
                let name = String::from_utf8_lossy(tag.name().as_ref()).into_owned();
                *read.elements.entry(name).or_default() += 1;
                for attribute in tag.attributes() {
                    let Attribute { key, value } = attribute.expect("a whole attribute");
                    let value = String::from_utf8_lossy(&value).into_owned();
                    match key.as_ref() {
                        b"href" => read.links.push(value),
                        b"id" => read.ids.push(value),
                        b"class" | b"open" | b"lang" | b"charset" | b"name" | b"content"
                        | b"http-equiv" => {}
                        other => panic!("{} loads or runs something?", other.escape_ascii()),
                    }
                }
            }
            Event::End(_) => depth -= 1,
            Event::Text(text) => read.text.push_str(&text.decode().expect("text")),
            Event::GeneralRef(named) => {
                let named = named.decode().expect("a reference").into_owned();
                let told = quick_xml::escape::unescape(&format!("&{named};"))
                    .expect("a known reference")
                    .into_owned();
                read.text.push_str(&told);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0, "an element is not closed");
    read
}

#[test]
fn a_page_holds_what_the_run_holds() {
    let run = sample::repeated();
    let read = read(&render(&run));
    for part in [
        "1 NotReproduced",
        "Differs x2",
        "stall; the guide says split",
        "Only 47100 is undeclared (2 of 3)",
        "-  - port: 47100",
        "MP001 (cause) A port that the nodes use is not declared",
        "unknown MP007 A certificate has expired: the proxy of ignite-0 did not answer",
        "kubectl delete pod ignite-1 -n meshproof-t2b",
        "by the guide's remedy and a restart of the pods",
        "baseline 21.3 s, fault 9.8 s",
        "Not done: fault, symptom, diagnosis, remedy and recovery.",
        "... <&\"'>`",
        "sha256:0000",
        "Overlay offline",
    ] {
        assert!(read.text.contains(part), "{part:?} is not in the page");
    }
    let evidence: usize = run
        .outcomes
        .iter()
        .flat_map(|o| o.case.as_ref())
        .flat_map(|case| case.checks())
        .map(|(_, check)| check.evidence.len())
        .sum();
    // One for each outcome, each piece of evidence, the images and each overlay.
    let folded = run.outcomes.len() + evidence + 1 + 2;
    assert_eq!(read.elements["details"], folded);
}

#[test]
fn a_page_needs_nothing_beside_itself() {
    for run in [sample::green(), sample::repeated(), sample::nothing()] {
        let page = render(&run);
        let read = read(&page);
        for (n, id) in read.ids.iter().enumerate() {
            assert!(!read.ids[..n].contains(id), "{id} stands for two places");
        }
        for link in &read.links {
            let place = link.strip_prefix('#').expect("a place in the page");
            assert!(read.ids.iter().any(|id| id == place), "{link}");
        }
        for loads in ["script", "link", "img", "iframe", "object", "embed", "base"] {
            assert!(!read.elements.contains_key(loads), "{loads}");
        }
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert!(page.contains("default-src &#39;none&#39;"), "{page}");
    }
}

#[test]
fn nothing_from_a_lab_becomes_markup() {
    let hostile = "</pre></details><script>alert('\"&amp;')</script>\u{1b}[31m";
    let text = serde_json::to_string(&sample::repeated()).expect("JSON");
    // Every text of the run, titles and evidence alike, ends with it.
    let mut value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    plant(&mut value, hostile);
    let run: Run = serde_json::from_value(value).expect("a run");
    let (page, plain) = (read(&render(&run)), read(&render(&sample::repeated())));
    assert_eq!(page.elements, plain.elements);
    let shown = hostile.replace('\u{1b}', "\u{fffd}");
    assert!(page.text.matches(&shown).count() > 50, "{}", page.text);
}

/// Adds a text to every string that a run may freely choose, if there is one.
fn plant(value: &mut serde_json::Value, hostile: &str) {
    const FREE: [&str; 22] = [
        "id",
        "command",
        "title",
        "section",
        "claim",
        "decided_by",
        "statement",
        "seen",
        "source",
        "raw",
        "fact",
        "fault",
        "because",
        "object",
        "why",
        "yaml",
        "text",
        "remedy",
        "name",
        "origin",
        "digest",
        "envoy",
    ];
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    serde_json::Value::String(text)
                        if !text.is_empty() && FREE.contains(&name.as_str()) =>
                    {
                        text.push_str(hostile);
                    }
                    other => plant(other, hostile),
                }
            }
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(|one| plant(one, hostile)),
        _ => {}
    }
}

#[test]
fn a_row_leads_to_the_outcome_that_it_tells_of() {
    let links = read(&render(&sample::repeated())).links;
    assert_eq!(links, ["#T2b", "#T2b-2", "#T4", "#T5"]);
}

#[test]
fn news_is_open_and_what_was_expected_is_folded() {
    let page = render(&sample::news());
    let folded = "<details class=\"scenario\"><summary>";
    assert_eq!(page.matches(folded).count(), 1, "{page}");
    assert!(page.contains(&format!("{folded}C1 The control plane runs")));
    let open = "<details class=\"scenario\" open=\"open\">";
    assert_eq!(page.matches(open).count(), 3, "{page}");
}

#[test]
fn a_green_page_reads_so() {
    insta::assert_snapshot!(render(&sample::green()).replace(STYLE, "(style.css)\n"));
}
