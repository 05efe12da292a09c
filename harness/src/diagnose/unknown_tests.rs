//! What a snapshot does not tell is unknown: neither healthy nor found.

use serde_json::json;

use super::faults::edits::{authorization, client, license_volume, passes_by};
use super::written::{healthy, object, pods};
use super::{Snapshot, TopRecord, diagnose};
use crate::outcome::Weight;

#[test]
fn nothing_is_unknown_of_a_cluster_that_tells_everything() {
    assert_eq!(diagnose(&healthy()).unknown, vec![]);
}

#[test]
fn what_is_not_told_is_unknown_and_neither_healthy_nor_found() {
    type Lack = (&'static str, fn(&mut Snapshot), &'static [&'static str]);
    let lacks: &[Lack] = &[
        (
            "no proxy answers",
            |s| s.proxies.clear(),
            &["MP013", "MP031", "MP032", "MP036", "MP038", "MP053"],
        ),
        (
            "proxies without counters",
            |s| {
                for proxy in &mut s.proxies {
                    for sample in &mut proxy.samples {
                        sample.stats = "server.live: 1\n".into();
                    }
                }
            },
            &["MP031", "MP032", "MP036", "MP038"],
        ),
        (
            "one moment only",
            |s| s.proxies[0].samples.truncate(1),
            &["MP031", "MP032", "MP036"],
        ),
        (
            "no page of clusters",
            |s| s.proxies[0].clusters.clear(),
            &["MP031"],
        ),
        (
            "no page of listeners",
            |s| s.proxies[0].listeners.clear(),
            &["MP013"],
        ),
        (
            "no page of a client's clusters",
            |s| {
                client(s);
                s.proxies.last_mut().expect("the client's").clusters.clear();
            },
            &["MP031"],
        ),
        (
            "a silent node",
            |s| {
                s.nodes[0].log = None;
                s.nodes[0].top = TopRecord::NoAnswer("no answer".into());
            },
            &["MP020", "MP021", "MP022", "MP026"],
        ),
        ("no product", |s| s.objects.clear(), &["MP020", "MP021"]),
        (
            "policies that may not be listed",
            |s| {
                s.objects.retain(|o| o["kind"] != "PeerAuthentication");
                unread(s, "ignite", "PeerAuthentication");
            },
            &["MP030"],
        ),
        (
            "Secrets that may not be listed",
            |s| {
                s.mesh_secrets = None;
                s.secrets = None;
                license_volume(s);
            },
            &["MP040", "MP052"],
        ),
        (
            "a policy that depends on more",
            |s| {
                s.objects.push(authorization(json!({ "action": "CUSTOM",
                    "provider": { "name": "x" }, "rules": [{}] })));
            },
            &["MP034"],
        ),
        (
            "a Gateway of a namespace that was not read",
            |s| object(s, "VirtualService")["spec"]["gateways"] = json!(["far/other"]),
            &["MP051"],
        ),
        (
            "a relative licenseUrl",
            |s| s.nodes[0].license_urls = vec!["license.xml".into()],
            &["MP041"],
        ),
        (
            "ConfigMaps that may not be read",
            |s| {
                for pod in pods(s) {
                    pod["spec"]["containers"][0]["image"] = json!("gridgain/enterprise:8.9.33");
                }
                unread(s, "ignite", "ConfigMap");
            },
            &["MP041"],
        ),
        (
            "ConfigMaps that may not be read, of nodes without a license",
            |s| unread(s, "ignite", "ConfigMap"),
            &[],
        ),
        (
            "no dump of a listener",
            |s| {
                s.proxies[0].demands = None;
                s.proxies[0].dump_unread = true;
            },
            &["MP039"],
        ),
    ];
    for (lack, edit, expected) in lacks {
        let mut snapshot = healthy();
        edit(&mut snapshot);
        let diagnosis = diagnose(&snapshot);
        let unknown: Vec<&str> = diagnosis.unknown.iter().map(|u| u.code.as_str()).collect();
        assert_eq!(unknown, *expected, "{lack}: {diagnosis:#?}");
        assert_eq!(diagnosis.findings, vec![], "{lack}");
    }
}

#[test]
fn plaintext_is_not_taken_for_let_in_where_no_policy_may_be_read() {
    let mut snapshot = healthy();
    passes_by(&mut snapshot);
    snapshot
        .objects
        .retain(|o| o["kind"] != "PeerAuthentication");
    unread(&mut snapshot, "ignite", "PeerAuthentication");
    let diagnosis = diagnose(&snapshot);
    let [finding] = diagnosis.findings.as_slice() else {
        panic!("{diagnosis:#?}");
    };
    let found = (finding.code.as_str(), finding.weight);
    assert_eq!(found, ("MP031", Weight::Cause));
}

fn unread(snapshot: &mut Snapshot, namespace: &str, kind: &str) {
    snapshot.unread.push(super::Unread {
        namespace: namespace.into(),
        kind: kind.into(),
        because: "they may not be listed".into(),
    });
}
