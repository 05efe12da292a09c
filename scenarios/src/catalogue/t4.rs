//! T4: GridGain's license is missing, mounted elsewhere, none at all, or expired.
//!
//! A Secret that is missing is Kubernetes' business before it is any product's, so that this one is
//! shown with Ignite's image; the others need GridGain's image and license and are blocked without.

use meshproof_harness::scenario::{About, Scenario, Scope};

use super::license_case::{Broken, LicenseCase};

/// What nobody can know without a real GridGain.
const UNVERIFIED: &str = "How GridGain words this error is not on record: its log is searched for \
                          the word alone, and what is found is marked unverified.";

fn about(id: &'static str, title: &'static str, remarks: &'static [&'static str]) -> About {
    About {
        id,
        title,
        section: "Troubleshooting: GridGain 8 node exits at startup with a license error",
        claim: "A node whose license Secret is missing, mounted at another path than licenseUrl \
                names, or expired exits at startup with a license error; the Secret in its place, \
                with a current license, cures it.",
        scope: Scope::Namespace,
        alone: None,
        remarks,
    }
}

/// All variants.
pub fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario::case(
            about(
                "T4a",
                "License Secret missing",
                &[
                    "GridGain was not run: the image is Ignite's, with the guide's license volume \
                     on it and a Secret that holds no license. What is shown happens before an \
                     image is started.",
                ],
            ),
            LicenseCase(Broken::SecretMissing),
        ),
        Scenario::case(
            about("T4b", "License mounted at another path", &[UNVERIFIED]),
            LicenseCase(Broken::OtherFolder),
        ),
        Scenario::case(
            about("T4c", "A Secret that holds no license", &[UNVERIFIED]),
            LicenseCase(Broken::NoLicense),
        ),
        Scenario::case(
            about(
                "T4d",
                "License expired",
                &[
                    UNVERIFIED,
                    "That the license has expired is the word of whoever gave it.",
                ],
            ),
            LicenseCase(Broken::Expired),
        ),
    ]
}
