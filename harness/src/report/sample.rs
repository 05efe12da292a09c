//! Runs to test reports with: what they look like, not what any real run found.

use jiff::Timestamp;

use crate::outcome::{
    Check, Evidence, ExpectationResult, ImageFact, LabFacts, MeshFacts, Overlay, PhaseTime,
    ProductFacts, Run, SCHEMA_VERSION, ScenarioOutcome, Standing, Verdict,
};

pub(super) use super::sample_cases::repeated;

fn at() -> Timestamp {
    "2026-11-23T22:45:01Z".parse().expect("a time")
}

pub(super) fn evidence(source: &str, raw: &str, fact: &str) -> Evidence {
    Evidence {
        source: source.into(),
        raw: raw.into(),
        fact: fact.into(),
        at: at(),
    }
}

pub(super) fn outcome(
    id: &str,
    (title, section): (&str, &str),
    verdict: Verdict,
    decided_by: &str,
    on_record: &[&str],
    green: bool,
) -> ScenarioOutcome {
    let blocked = matches!(verdict, Verdict::Blocked { .. });
    let yardstick = match on_record {
        [] => format!(
            "nothing on record for {id} on Istio 1.31.0-dev.20260827, native sidecars, \
             core-envoy, nor for an older build"
        ),
        _ => "the record of Istio 1.31.0-dev.20260827".to_owned(),
    };
    ScenarioOutcome {
        case: None,
        id: id.into(),
        title: title.into(),
        section: section.into(),
        claim: "What the guide says there, in our words.".into(),
        verdict,
        decided_by: decided_by.into(),
        checks: vec![],
        phases: if blocked {
            vec![]
        } else {
            vec![
                PhaseTime {
                    phase: "arrange".into(),
                    seconds: 10.25,
                },
                PhaseTime {
                    phase: "check".into(),
                    seconds: 2.5,
                },
            ]
        },
        expectation: ExpectationResult {
            green,
            on_record: on_record.iter().map(|&o| o.to_owned()).collect(),
            yardstick,
        },
        remarks: vec![],
        on_cluster: !blocked,
    }
}

/// A run as on record, with one blocked scenario and one flaky one.
pub(super) fn green() -> Run {
    let pods = "NAME                      READY   STATUS    RESTARTS   AGE\n\
                istiod-54b5f6856c-fzkx6   1/1     Running   0          12m\n";
    let mut c1 = outcome(
        "C1",
        ("The control plane runs", "Install Istio"),
        Verdict::Confirmed,
        "istiod and istio-ingressgateway are Running 1/1 and every proxy is in sync",
        &["Confirmed (7)"],
        true,
    );
    c1.checks = vec![
        Check::answered(
            Standing::Guide,
            "istiod is Running 1/1",
            true,
            "istiod-54b5f6856c-fzkx6 1/1 Running",
            vec![evidence(
                "kubectl get pods -n istio-system",
                pods,
                "istiod is Running 1/1",
            )],
        ),
        Check::answered(
            Standing::Truth,
            "every proxy is in sync with istiod",
            true,
            "3 of 3 proxies in sync",
            vec![evidence(
                "istioctl proxy-status",
                "not shown: it holds",
                "3 in sync",
            )],
        ),
    ];
    let lack = "proxy lacks istio.stats";
    let mut c6a = outcome(
        "C6a",
        (
            "The guide's metric shows mutual TLS",
            "Verify mutual TLS is enforced",
        ),
        Verdict::Blocked {
            reason: lack.into(),
        },
        lack,
        &["Blocked: proxy lacks istio.stats (3)"],
        true,
    );
    c6a.checks = vec![Check::lacking(
        Standing::Guide,
        "the proxy counts connections opened under mutual TLS",
        lack,
        vec![],
    )];
    c6a.remarks = vec![
        "The guide's metric has no port label, so it cannot show which port is encrypted.".into(),
    ];
    let c5 = outcome(
        "C5",
        (
            "The client is reached over HTTPS",
            "Expose the external client over HTTPS (optional)",
        ),
        Verdict::Confirmed,
        "GET /person/ answered 200 over TLS 1.3, count 3 after a POST, verified against \
         CN=ignite-client",
        &["Confirmed (6)", "Differs (1)"],
        true,
    );
    Run {
        process: None,
        schema_version: SCHEMA_VERSION,
        id: "20261123T224501Z-guide-4f3a".into(),
        command: "meshproof guide --fresh".into(),
        meshproof: "0.1.0".into(),
        started: at(),
        seconds: 55.125,
        stages: vec![PhaseTime {
            phase: "lab".into(),
            seconds: 21.5,
        }],
        lab: Some(LabFacts {
            cluster: "meshproof-4f3a91".into(),
            reused: false,
            topology: "1 control plane and 1 worker, since the machine has 2 CPUs".into(),
            kubernetes: "v1.34.4".into(),
            engine: "Docker 28.1.0".into(),
            image_source: "build (no registry answers)".into(),
            images: vec![ImageFact {
                name: "docker.io/apacheignite/ignite:2.16.0".into(),
                digest: "sha256:0000".into(),
                origin: "build: org.apache.ignite:ignite-core 2.16.0".into(),
            }],
            image_delivery: "linked stores".into(),
        }),
        mesh: Some(MeshFacts {
            build: "1.31.0-dev.20260827".into(),
            envoy: "1.40.0".into(),
            sidecar_mode: "native".into(),
            istio_filters: false,
            ingress_gateway: true,
            api_versions: vec!["security.istio.io/v1".into()],
            overlays: ["instrumentation", "offline"]
                .map(|name| Overlay {
                    name: name.into(),
                    yaml: "{}".into(),
                })
                .into(),
        }),
        product: Some(ProductFacts {
            name: "Apache Ignite".into(),
            version: "2.16.0".into(),
        }),
        outcomes: vec![c1, c5, c6a],
        left_behind: vec![],
    }
}

/// A run with news of three kinds and something left behind.
pub(super) fn news() -> Run {
    let mut run = green();
    run.id = "20261123T231002Z-guide-9c01".into();
    let fact = "not so: each node sees two servers; seen: ignite-0 has servers=2, ignite-1 has \
                servers=1 and still waits for the initial partition map exchange";
    let mut c3 = outcome(
        "C3",
        ("Two nodes form one cluster", "Deploy the two-node cluster"),
        Verdict::Differs,
        fact,
        &["Confirmed (7)"],
        false,
    );
    c3.checks = vec![
        Check::answered(
            Standing::Truth,
            "each node sees two servers",
            false,
            "ignite-0 has servers=2, ignite-1 has servers=1",
            vec![evidence(
                "kubectl logs -n ignite ignite-1 -c ignite",
                "Topology snapshot [ver=1, servers=1, clients=0]\n",
                "ignite-1 sees one server",
            )],
        ),
        Check::unproven(
            Standing::Truth,
            "plaintext to 47500 is refused",
            "the intruder was not seen before STRICT either",
            vec![],
        ),
    ];
    let step = "C3 is Differs: two nodes form one cluster";
    let c4 = outcome(
        "C4",
        (
            "STRICT keeps the cluster and the intruder out",
            "Enforce STRICT mutual TLS",
        ),
        Verdict::Blocked {
            reason: step.into(),
        },
        step,
        &["Confirmed (7)"],
        false,
    );
    let error = "the port-forward to istio-ingressgateway closed before the answer; run again";
    let c5 = outcome(
        "C5",
        (
            "The client is reached over HTTPS",
            "Expose the external client over HTTPS (optional)",
        ),
        Verdict::Failed {
            error: error.into(),
        },
        error,
        &[],
        false,
    );
    run.outcomes.truncate(1);
    run.outcomes.extend([c3, c4, c5]);
    run.left_behind = vec!["namespace ignite: still terminating after 60 s".into()];
    run
}

/// A run that ended before any scenario, and before there was a lab.
pub(super) fn nothing() -> Run {
    Run {
        stages: vec![],
        lab: None,
        mesh: None,
        product: None,
        outcomes: vec![],
        seconds: 1.5,
        ..green()
    }
}
