//! Deploys a product's cluster: the license first where there is one, then the manifest.

use meshproof_harness::kube::{Kube, KubeError};
use meshproof_harness::product::Product;
use meshproof_harness::product::manifest::Manifest;

/// Applies a manifest of the product's cluster, edited or not, in a namespace.
pub(super) async fn cluster(
    kube: &Kube,
    product: &Product,
    manifest: &Manifest,
    namespace: &str,
) -> Result<(), KubeError> {
    // Not one of the manifest's objects: those are shown in reports, a license never is.
    if let Some(secret) = product.license_secret(namespace) {
        kube.apply(&[secret]).await?;
    }
    kube.apply(&manifest.in_namespace(namespace).objects).await
}
