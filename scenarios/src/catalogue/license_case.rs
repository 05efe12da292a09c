//! A case whose fault lies in the license's Secret or its mount: T4 is made of it.
//!
//! Baseline: the cluster with a license in its place. Fault: the same deployed by a reader who made
//! the mistake. Symptom: what the first node does then; [`super::first_start`] watches it. Remedy:
//! Secret and mount as the guide has them.

use jiff::Timestamp;
use meshproof_harness::kube::KubeError;
use meshproof_harness::outcome::{CaseClaim, Check, Cure, Observed, Symptom};
use meshproof_harness::product::gridgain::{
    LICENSE_FILE, LICENSE_FOLDER, LICENSE_SECRET, NO_EXPIRED_LICENSE,
};
use meshproof_harness::product::{Product, license_file};
use meshproof_harness::scenario::edit::license::{mount_license, mount_license_at};
use meshproof_harness::scenario::{Case, Fault, Phase, Remedied, Stand, StepError, edit};

use super::guide_cluster::{self as cluster, Deployment, HOLD, READY, Since};
use super::{first_start, license_in_force as in_force};

/// What the Secret holds while all is well where no license is needed.
const STAND_IN: &[u8] =
    b"<stand-in>This is no license, and the image does not ask for one.</stand-in>\n";
/// What it holds where it should be a license.
const NO_LICENSE: &[u8] = b"<note>This is no license.</note>\n";
/// A folder that `licenseUrl` does not name.
const OTHER_FOLDER: &str = "/ignite/licenses";

/// Seconds that nodes are given to start by themselves once the cause is removed. The kubelet tries
/// a mount again after at most 122 s, and a container that ended a few times after 80 s.
const BY_ITSELF: u64 = 200;
/// Seconds where nothing was removed, to see that nothing heals.
const UNCHANGED: u64 = 20;

/// What is wrong with the license.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// There is no Secret.
    SecretMissing,
    /// It is mounted where `licenseUrl` does not name it.
    OtherFolder,
    /// It holds something else.
    NoLicense,
    /// It holds a license that has expired.
    Expired,
}

impl Broken {
    /// The rule that has to find it.
    fn found_by(self) -> &'static str {
        match self {
            Self::SecretMissing => "MP040",
            Self::OtherFolder => "MP041",
            // How GridGain words it is unverified, so that its log is not relied upon.
            Self::NoLicense | Self::Expired => "MP023",
        }
    }
}

/// A case of T4.
pub(super) struct LicenseCase(pub(super) Broken);

impl LicenseCase {
    /// The cluster with its license in its place.
    fn healthy_one(&self, stand: &Stand) -> Result<Deployment, StepError> {
        if self.0 != Broken::SecretMissing {
            return Deployment::of_the_guide(stand, true);
        }
        let stand = Stand {
            product: Product::Ignite,
            ..stand.clone()
        };
        Ok(Deployment {
            license: Some(license_file::secret(&stand.namespace, STAND_IN)),
            ..Deployment::of_the_guide(&stand, true)?.edited(mount_license)?
        })
    }

    /// The same with the fault, and the fault in words that show no license.
    fn faulty_one(&self, stand: &Stand) -> Result<(Deployment, String), StepError> {
        let healthy = self.healthy_one(stand)?;
        let namespace = &stand.namespace;
        let (license, shown) = match self.0 {
            Broken::OtherFolder => {
                let faulty = healthy.edited(|m| mount_license_at(m, OTHER_FOLDER))?;
                let shown = edit::diff(
                    &healthy.cluster,
                    &faulty.cluster,
                    [cluster::THROUGHOUT, cluster::FAULTY],
                )?;
                return Ok((faulty, healthy.shown_with(&shown)?));
            }
            Broken::SecretMissing => (
                None,
                format!(
                    "kubectl delete secret {LICENSE_SECRET} -n {namespace}, before the pods start"
                ),
            ),
            Broken::NoLicense => (
                Some(license_file::secret(namespace, NO_LICENSE)),
                format!(
                    "{LICENSE_FILE} in Secret {LICENSE_SECRET} is an XML file that is no license"
                ),
            ),
            Broken::Expired => (
                expired(&stand.product).map(|license| license.secret(namespace)),
                format!(
                    "{LICENSE_FILE} in Secret {LICENSE_SECRET} is the expired license that was given"
                ),
            ),
        };
        let shown = healthy.shown_with(&shown)?;
        let faulty = Deployment { license, ..healthy };
        Ok((faulty, shown))
    }

    async fn in_force(&self, stand: &Stand, faulty: &Deployment) -> Result<Check, StepError> {
        match (self.0, &faulty.license) {
            (Broken::OtherFolder, _) => in_force::mounted_at(stand, OTHER_FOLDER).await,
            (_, Some(wanted)) => in_force::secret_is(stand, wanted).await,
            (_, None) => in_force::no_secret(stand).await,
        }
    }
}

impl Case for LicenseCase {
    fn claim(&self) -> CaseClaim {
        CaseClaim {
            symptom: Symptom::Exits,
            remedy: format!(
                "see that the Secret {LICENSE_SECRET} exists, holds a current license, and is \
                 mounted at {LICENSE_FOLDER}, where licenseUrl names it"
            ),
            remedy_restarts: false,
            found_by: vec![self.0.found_by().into()],
        }
    }

    fn blocked(&self, product: &Product) -> Option<String> {
        let lacking = match self.0 {
            Broken::SecretMissing => None,
            Broken::OtherFolder | Broken::NoLicense => product.gridgain().err(),
            Broken::Expired => match product.gridgain() {
                Ok(given) if given.expired_license.is_none() => Some(NO_EXPIRED_LICENSE),
                given => given.err(),
            },
        };
        lacking.map(str::to_owned)
    }

    fn baseline<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Vec<Check>> {
        Box::pin(async move {
            self.healthy_one(stand)?.deploy(stand, READY).await?;
            cluster::healthy(stand, "baseline").await
        })
    }

    fn fault<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Fault> {
        Box::pin(async move {
            let (faulty, shown) = self.faulty_one(stand)?;
            if make {
                cluster::undeploy(stand).await?;
                if faulty.license.is_none() {
                    let gone = license_file::secret(&stand.namespace, &[]);
                    stand.kube.delete(&[gone]).await?;
                }
                faulty.apply(stand).await?;
            }
            let in_force = vec![self.in_force(stand, &faulty).await?];
            Ok(Fault { shown, in_force })
        })
    }

    fn observe<'a>(&'a self, stand: &'a Stand) -> Phase<'a, Observed> {
        Box::pin(first_start::observe(stand, HOLD))
    }

    fn remedy<'a>(&'a self, stand: &'a Stand, make: bool) -> Phase<'a, Remedied> {
        Box::pin(async move {
            let mut done = vec![];
            // Containers that ended have logs of their own, which are not read.
            let mut since = Since::from(Timestamp::now());
            if make {
                self.healthy_one(stand)?.apply(stand).await?;
                done.push("Secret and mount are as the guide has them".into());
            }
            let limit = if make { BY_ITSELF } else { UNCHANGED };
            let started = cluster::both_ready_within(stand, READY, limit).await;
            let mut cure = match in_time(started)? {
                Some(()) => Cure::ByTheRemedy,
                None => Cure::None,
            };
            if make && cure == Cure::None {
                let mut told = "both pods are deleted".to_owned();
                if let Some(restarted) = in_time(cluster::restart(stand, READY).await)? {
                    since.healed = restarted.gone;
                    told = restarted.told();
                    cure = Cure::WithARestart;
                }
                done.push(format!("{told}, of which the guide does not speak here"));
            }
            cluster::remedied(stand, &done, cure, since).await
        })
    }
}

fn expired(product: &Product) -> Option<license_file::License> {
    product.gridgain().ok()?.expired_license.clone()
}

/// What a wait came to, if it was over in time; another error than that it was not is one.
fn in_time<T>(waited: Result<T, StepError>) -> Result<Option<T>, StepError> {
    match waited {
        Ok(came_to) => Ok(Some(came_to)),
        Err(StepError::Kube(KubeError::TimedOut { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}
