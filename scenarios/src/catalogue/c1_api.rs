//! C1b: the cluster serves the API versions that the guide's manifests are written in.

use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::product::Product;
use meshproof_harness::scenario::{About, Checkpoint, Scenario, Scope, Stand, StepError};

/// The versions that the guide's manifests name.
const NEEDED: [&str; 2] = ["security.istio.io/v1", "networking.istio.io/v1"];

/// The scenario.
pub fn scenario() -> Scenario {
    let about = About {
        id: "C1b",
        title: "The guide's API versions are served",
        section: "Prerequisites",
        claim: "istioctl 1.20 or later is enough for the guide's manifests.",
        scope: Scope::Mesh,
        alone: None,
        remarks: &[
            "The manifests are written in security.istio.io/v1 and networking.istio.io/v1, \
                    which came with Istio 1.22; 1.20 and 1.21 serve v1beta1 only. The cure there is \
                    a newer Istio, or v1beta1 in the manifests.",
        ],
    };
    Scenario::checkpoint(about, ApiVersions)
}

struct ApiVersions;

impl Checkpoint for ApiVersions {
    type Arranged = ();

    /// No product runs yet.
    fn blocked(&self, _: &Product) -> Option<String> {
        None
    }

    async fn arrange(&self, _: &Stand) -> Result<(), StepError> {
        Ok(())
    }

    async fn check(&self, stand: &Stand, (): ()) -> Result<Vec<Check>, StepError> {
        let served = stand.mesh.api_versions.join("\n");
        Ok(NEEDED
            .into_iter()
            .map(|version| {
                let holds = stand.mesh.serves(version);
                let seen = if holds {
                    format!("{version} is served by Istio {}", stand.istio_build)
                } else {
                    format!(
                        "Istio {} does not serve {version}; use Istio 1.22 or later, or v1beta1 in \
                         the manifests",
                        stand.istio_build
                    )
                };
                let evidence = Evidence::now("kubectl api-versions", served.clone(), seen.clone());
                let statement = format!("the API serves {version}");
                Check::answered(Standing::Truth, statement, holds, seen, vec![evidence])
            })
            .collect())
    }
}
