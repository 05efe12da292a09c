//! Error lines that are known to do no harm, each with the reason.
//!
//! Only lines that were seen belong here: a line listed because it might come would hide the day
//! on which it means something.

use super::lines::Program;

/// A kind of error line that does no harm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The program that writes it.
    pub program: Program,
    /// Parts that the line holds, in this order.
    pub parts: &'static [&'static str],
    /// Why it does no harm.
    pub why: &'static str,
}

impl Known {
    /// Whether a line is of this kind.
    pub fn matches(&self, program: Program, line: &str) -> bool {
        let mut rest = line;
        let held = self.parts.iter().all(|part| match rest.find(part) {
            Some(at) => {
                rest = &rest[at + part.len()..];
                true
            }
            None => false,
        });
        // No parts would be every line.
        program == self.program && !self.parts.is_empty() && held
    }
}

/// The known ones.
pub const KNOWN: &[Known] = &[
    Known {
        program: Program::Ignite,
        parts: &["Failed to execute cache command: GridRestCacheRequest ["],
        why: "a REST client asked for what is not there, such as a cache that nobody made; the \
              client is told, and the node goes on",
    },
    Known {
        program: Program::Ignite,
        parts: &["Failed to handle request: CACHE_"],
        why: "the second line that a node writes for the same REST request",
    },
    Known {
        program: Program::Istiod,
        parts: &[
            "failed to updated: Operation cannot be fulfilled on \
             validatingwebhookconfigurations",
            "the object has been modified",
        ],
        why: "istioctl and istiod write the validating webhook at the same time during an install; \
              istiod loses by the object's version and tries again at once",
    },
    Known {
        program: Program::Istiod,
        parts: &[
            "error handling istio-validator-",
            "retrying (retry count",
            "the object has been modified",
        ],
        why: "the second line that istiod writes for the same conflict, with the retry",
    },
    Known {
        program: Program::Istiod,
        parts: &[
            "error handling istio-validator-",
            "retrying (retry count",
            "webhook is not ready, retry",
        ],
        why: "istiod asks its own validating webhook while it starts, until that answers; pods that \
              begin early see it in their time",
    },
    Known {
        program: Program::Istiod,
        parts: &["buildGatewayRoutes: no gateways for router"],
        why: "a gateway that has served asks for the routes of a Gateway that is deleted, and istiod \
              says so at each push until one is there again (T5c, until its cure is applied)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_must_stand_in_their_order_and_in_their_programs_log() {
        let known = Known {
            program: Program::Istiod,
            parts: &["one", "two"],
            why: "",
        };
        assert!(known.matches(Program::Istiod, "a one b two"));
        assert!(!known.matches(Program::Istiod, "a two b one"));
        assert!(!known.matches(Program::Proxy, "a one b two"));
        assert!(
            !Known {
                parts: &[],
                ..known
            }
            .matches(Program::Istiod, "anything")
        );
    }

    #[test]
    fn every_entry_names_something_and_says_why() {
        for known in KNOWN {
            let shortest = known.parts.iter().map(|part| part.len()).min();
            assert!(shortest >= Some(10), "{known:?}");
            assert!(known.why.len() > 20, "{known:?}");
        }
    }
}
