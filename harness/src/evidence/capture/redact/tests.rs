//! Planted secrets, in the forms in which a capture may meet them. None of them was ever real.

use serde_json::{Value, json};

use super::*;

const KEY_LINES: [&str; 2] = [
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7planted",
    "Q2lwaGVyIHRleHQgdGhhdCBpcyBub3QgYSBrZXkgYnV0IGxvb2tzIHNvplanted==",
];
const TOKEN: &str =
    "eyJhbGciOiJSUzI1NiIsImtpZCI6InBsYW50ZWQifQ.eyJpc3MiOiJrdWJlcm5ldGVzIn0.c2lnLXBsYW50ZWQ_-x";
const LICENSE: &str = "<gridgain-license-v2 version=\"2.1\">\n  <id>planted-1234-5678</id>\n  \
     <user-org>Planted Org 42</user-org>\n  <signature>302C02147planted</signature>\n\
     </gridgain-license-v2>";

fn key() -> String {
    let lines = KEY_LINES.join("\n");
    format!("-----BEGIN PRIVATE KEY-----\n{lines}\n-----END PRIVATE KEY-----")
}

fn text(text: &str) -> String {
    Redactor::default().text(text).text
}

fn json_text(mut value: Value) -> String {
    Redactor::default().json(&mut value);
    value.to_string()
}

#[track_caller]
fn nothing_planted(text: &str) {
    let found = ["planted", "cGxhbnRlZA", "BKcwggSj", "eyJpc3Mi"].map(|p| text.contains(p));
    assert_eq!(found, [false; 4], "{text}");
}

#[test]
fn private_keys_go_in_every_form() {
    let forms = [
        key(),
        key().replace(" PRIVATE", " RSA PRIVATE"),
        key()
            .replace(" PRIVATE", " EC PRIVATE")
            .replace('\n', "\\n"),
        key().replace('\n', "\n2026-11-25T02:00:00.123456789Z "),
    ];
    for form in &forms {
        let redacted = text(&format!("before, \"{form}\" after"));
        nothing_planted(&redacted);
        assert!(
            redacted
                .replace('\n', "")
                .starts_with("before, \"[redacted: private key]\" after"),
            "{redacted}"
        );
    }
}

#[test]
fn a_key_that_is_cut_off_goes_as_well() {
    let ends = text(&format!(
        "one\n-----BEGIN PRIVATE KEY-----\n{}",
        KEY_LINES[0]
    ));
    nothing_planted(&ends);
    let goes_on = format!("-----BEGIN PRIVATE KEY-----\n{}\n[INFO] two", KEY_LINES[0]);
    let goes_on = text(&goes_on);
    nothing_planted(&goes_on);
    assert!(goes_on.ends_with("[INFO] two"), "{goes_on}");
    let begins = format!("{}\n-----END PRIVATE KEY-----\nthree", KEY_LINES[1]);
    let begins = text(&begins);
    nothing_planted(&begins);
    assert!(begins.ends_with("three"), "{begins}");
}

#[test]
fn two_keys_do_not_take_what_is_between_them() {
    let redacted = Redactor::default().text(&format!("{}\nkept\n{}", key(), key()));
    nothing_planted(&redacted.text);
    assert!(redacted.text.contains("\nkept\n"), "{}", redacted.text);
    assert_eq!(redacted.count, 2);
}

#[test]
fn certificates_stay() {
    let certificate =
        "-----BEGIN CERTIFICATE-----\nMIIBszCCAVmgAwIBAgIQ\n-----END CERTIFICATE-----";
    assert_eq!(text(certificate), certificate);
}

#[test]
fn tokens_and_headers_go() {
    for line in [
        format!("reading {TOKEN} from the volume"),
        format!("Authorization: Bearer {TOKEN}"),
        "authorization: Bearer opaque-planted-0123".into(),
        "\"authorization\":\"Basic dXNlcjpwbGFudGVk-planted\"".into(),
        "sent bearer opaque-planted-0123".into(),
        "'set-cookie': 'id=planted'".into(),
        "GET https://user:planted@host/path".into(),
        "ZXlKaGJHY2lPaUpTVXpJMU5pSXNJbXRwWkNJNkluCGxhbnRlZA planted-not"
            .replace(" planted-not", ""),
    ] {
        let redacted = Redactor::default().text(&line);
        nothing_planted(&redacted.text);
        assert!(redacted.count > 0, "{line}");
    }
}

#[test]
fn values_of_secret_names_go_in_every_notation() {
    for line in [
        "-Djavax.net.ssl.keyStorePassword=planted -Xmx1g",
        "{\"client_secret\": \"pl \\\" planted\"}",
        "msg={\\\"token\\\":\\\"planted\\\"}",
        "password: 'two words planted'",
        "client-key-data: cGxhbnRlZA==",
        "License key: planted",
        "wrong license id=planted-1, access key = planted",
        "<property name=\"password\" value=\"planted\"/>",
        "<property name=\"password\">\n<value>planted</value></property>",
        "<prop key=\"db.password\">planted</prop>",
        "<entry key=\"password\" value=\"planted\"/>",
        "<db:password encrypted=\"no\">planted</db:password>",
        "env:\n- name: LICENSE_URI\n  value: http://host/planted\n",
    ] {
        let redacted = text(line);
        nothing_planted(&redacted);
        assert!(redacted.contains("[redacted]"), "{redacted}");
    }
    assert!(text("-DkeyStorePassword=planted -Xmx1g").ends_with(" -Xmx1g"));
}

#[test]
fn a_license_goes_from_objects_and_logs() {
    let config_map = json!({ "kind": "ConfigMap", "data": {
        "other.xml": format!("<?xml version=\"1.0\"?>\n{LICENSE}\n"),
        "gridgain-license.xml": "planted in any form" } });
    nothing_planted(&json_text(config_map));
    let log = format!("[02:00:00] License file:\n{LICENSE}\n[02:00:01] started");
    let redacted = text(&log);
    nothing_planted(&redacted);
    assert!(
        redacted.ends_with("[redacted: license]\n\n\n\n\n[02:00:01] started"),
        "{redacted}"
    );
    let cut = text(&format!("{}\nafter", &LICENSE[..LICENSE.len() - 30]));
    assert!(
        !cut.contains("1234-5678") && cut.ends_with("after"),
        "{cut}"
    );
}

#[test]
fn a_signature_goes_even_outside_a_license() {
    nothing_planted(&text(
        "<x><signature alg=\"a\">302C02147planted</signature></x>",
    ));
}

#[test]
fn a_secrets_data_goes_from_the_object_the_list_and_the_annotation() {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "gridgain-license" },
        "data": { "any": "cGxhbnRlZA==" }, "stringData": { "b": "planted" } });
    let annotated = json!({ "kind": "Pod", "metadata": { "annotations": {
        "kubectl.kubernetes.io/last-applied-configuration": format!("{secret}\n") } } });
    let list = json!({ "kind": "SecretList", "items": [{ "data": { "any": "cGxhbnRlZA==" } }] });
    for object in [secret.clone(), annotated, list] {
        let redacted = json_text(object);
        nothing_planted(&redacted);
        assert!(redacted.contains("[redacted]"), "{redacted}");
    }
    let printed = text(&format!("applying {secret} now\nnext"));
    nothing_planted(&printed);
    assert!(
        printed.ends_with(" now\nnext") && printed.contains("gridgain-license"),
        "{printed}"
    );
}

#[test]
fn a_secret_printed_as_yaml_loses_its_data() {
    for yaml in [
        "kind: Secret\ndata:\n  any: cGxhbnRlZA==\n  b: |\n    planted\nmetadata:\n  name: kept\n",
        "data:\n  any: cGxhbnRlZA==\nkind: Secret\nmetadata:\n  name: kept\n",
    ] {
        let redacted = text(yaml);
        nothing_planted(&redacted);
        assert!(redacted.contains("name: kept"), "{redacted}");
    }
    let other = "kind: ConfigMap\ndata:\n  any: kept\n---\nkind: Secret\ndata:\n  a: planted\n";
    let redacted = text(other);
    nothing_planted(&redacted);
    assert!(redacted.contains("any: kept"), "{redacted}");
}

#[test]
fn variables_with_secret_names_lose_their_values() {
    let pod = json!({ "spec": { "containers": [{ "env": [
        { "name": "DB_PASSWORD", "value": "planted" },
        { "name": "API_TOKEN", "value": "planted" },
        { "name": "LICENSE_KEY", "value": "planted" },
        { "name": "JVM_OPTS", "value": "-Xmx1g -Dsome.password=planted" },
        { "name": "FROM", "valueFrom": { "secretKeyRef": { "name": "kept-name", "key": "kept" } } }
    ] }] } });
    let redacted = json_text(pod);
    nothing_planted(&redacted);
    for kept in ["DB_PASSWORD", "-Xmx1g", "kept-name"] {
        assert!(redacted.contains(kept), "{redacted}");
    }
}

#[test]
fn envoys_configuration_loses_its_keys() {
    let dump = json!({ "configs": [{ "dynamic_active_secrets": [{ "secret": {
        "name": "default",
        "tls_certificate": {
            "certificate_chain": { "inline_bytes": "kept" },
            "private_key": { "inline_bytes": "cGxhbnRlZA==" } },
        "session_ticket_keys": { "keys": [{ "inline_string": "planted" }] },
        "generic_secret": { "secret": { "inline_string": "planted" } },
        "note": key() } }] }] });
    let redacted = json_text(dump);
    nothing_planted(&redacted);
    assert!(
        redacted.contains("\"name\":\"default\"") && redacted.contains("kept"),
        "{redacted}"
    );
}

#[test]
fn a_kubeconfig_loses_its_users() {
    let config = json!({ "kind": "Config", "users": [{ "user": { "anything": "planted" } }] });
    nothing_planted(&json_text(config));
    let yaml = "kind: Config\nusers:\n- user:\n    token: planted\n    client-key-data: \
                LS0tLS1CRUdJTiBFQyBQUklWQVRFplanted\n";
    nothing_planted(&text(yaml));
}

#[test]
fn arguments_with_secret_names_lose_their_values() {
    for line in [
        "VM arguments: [-Xms1g, -Djavax.net.ssl.keyStorePassword=pla,nted[1], -Xmx1g]",
        "VM arguments: [-Xms1g, -Ddb.password=a word, or planted, -Xmx1g]",
        "VM arguments: [-Xmx1g, -Ddb.password=planted)]",
        "java -Dkey.store.pass='a, planted' -Xmx1g",
        "java '-Ddb.pwd=pl\"anted' -Xmx1g",
        "run --password planted -Xmx1g",
        "run --api-token \"two planted\" -Xmx1g",
        "run --password=pl(an)planted, -Xmx1g",
        "keytool -storepass planted -Xmx1g",
        "openssl -passin pass:planted -Xmx1g",
        "curl -u admin:planted -Xmx1g",
        "[\"--client-secret\", \"planted\", \"-Xmx1g\"]",
        "{\\\"args\\\":[\\\"--password\\\",\\\"planted\\\",\\\"-Xmx1g\\\"]}",
        "args:\n- --password\n- planted\n- -Xmx1g",
        "GET /x?tokenPath=/y?access_token=planted -Xmx1g",
    ] {
        let redacted = text(line);
        nothing_planted(&redacted);
        assert!(!redacted.contains("nted"), "{redacted}");
        for kept in ["[redacted]", "-Xmx1g"] {
            assert!(redacted.contains(kept), "{redacted}");
        }
    }
    let container = json!({
        "command": ["sh", "-c", "exec java -Ddb.password='planted' -Xmx1g"],
        "args": ["--password", "-planted", "--store-pass", "12345678", "--token-file", "/kept",
            "--secret-name", "kept-name", "-Xmx1g"],
        "livenessProbe": { "httpGet": { "httpHeaders": [
            { "name": "Authorization", "value": "Basic planted" }] } } });
    let redacted = json_text(container);
    nothing_planted(&redacted);
    assert!(!redacted.contains("12345678"), "{redacted}");
    for kept in ["-Xmx1g", "/kept", "kept-name", "--password"] {
        assert!(redacted.contains(kept), "{redacted}");
    }
}

#[test]
fn headers_that_a_route_sets_or_wants_go() {
    let routes = json!({
        "set": { "authorization": "Basic planted" },
        "match": { "headers": {
            "authorization": { "exact": "Basic planted" }, "x-api-key": { "regex": "planted" } } },
        "when": [{ "key": "request.headers[x-api-key]", "values": ["planted"] }],
        "request_headers_to_add": [{ "header": { "key": "x-api-key", "value": "planted" } }] });
    nothing_planted(&json_text(routes));
}

#[test]
fn arguments_that_tell_stay() {
    for line in [
        "VM arguments: [-Djava.net.preferIPv4Stack=true, --add-opens=java.base/sun.nio.ch=ALL, \
         -Djavax.net.ssl.keyStore=/keys/ignite.jks]",
        "run --token-file /x --use-token --secret-name gridgain-license",
        "docker run --user 1000:1000 image",
        "the flag --password is missing",
        "--password",
        "OLDPWD=/ignite PWD=/",
        "-Dtls.bypass=/health",
    ] {
        assert_eq!(text(line), line);
    }
    let image = json!({ "image": "registry.example.com/token-service:1.2" });
    assert_eq!(json_text(image.clone()), image.to_string());
}

/// A number is what many a password is, and what every count is.
#[test]
fn a_secret_of_digits_goes() {
    for line in [
        "DB_PASSWORD=12345678",
        "db.password: 12345678",
        "\"client_secret\":\"12345678\"",
        "token.value=12345678",
        "secret.0=12345678",
        "-Djavax.net.ssl.keyStorePassword=12345678",
        "--password 12345678",
        "<password>12345678</password>",
        "<property name=\"password\" value=\"12345678\"/>",
        "- name: DB_PASSWORD\n  value: 12345678\n",
        "authorization: 12345678",
        "license: 12345678",
    ] {
        let redacted = text(line);
        assert!(!redacted.contains("12345678"), "{redacted}");
        assert!(redacted.contains("[redacted]"), "{redacted}");
    }
    for value in [
        json!({ "name": "DB_PASSWORD", "value": "12345678" }),
        json!({ "name": "API_TOKEN", "value": 12_345_678 }),
        json!({ "password": "12345678" }),
        json!({ "generic_secret": "12345678" }),
        json!({ "dbPassword": "12345678" }),
        json!({ "dbPassword": 12_345_678 }),
        json!({ "licenseNumber": "12345678" }),
    ] {
        let redacted = json_text(value);
        assert!(!redacted.contains("12345678"), "{redacted}");
        assert!(redacted.contains("[redacted]"), "{redacted}");
    }
}

#[test]
fn a_count_or_a_size_stays() {
    for line in [
        "tokenTTLSeconds: 3600",
        "passwordLength: 12",
        "password.min-length=8",
        "TOKEN_TIMEOUT_MILLIS=500",
        "-Dpassword.length=12",
        "--token-ttl 3600",
        "<passwordLength>12</passwordLength>",
        "tokens: 3",
        "cluster.outbound|80||token-service.n.svc.cluster.local.upstream_cx_active: 5",
    ] {
        assert_eq!(text(line), line);
    }
    for value in [
        json!({ "tokenTTLSeconds": 3600 }),
        json!({ "passwordLength": "12" }),
        json!({ "name": "TOKEN_TTL_SECONDS", "value": "3600" }),
        json!({ "name": "PASSWORD_LENGTH", "value": 12 }),
        json!({ "token_bucket": { "max_tokens": 100, "tokens_per_fill": 10 } }),
    ] {
        assert_eq!(json_text(value.clone()), value.to_string());
    }
}

/// Findings name lines of logs, and people look them up with kubectl.
#[test]
fn a_text_keeps_its_number_of_lines() {
    for secret in [
        key(),
        LICENSE.to_owned(),
        LICENSE[..LICENSE.len() - 30].to_owned(),
        "password=\"two\nlines planted\"".to_owned(),
        "<password>\nplanted\n</password>".to_owned(),
    ] {
        let before = format!("one\n{secret}\nlast");
        let redacted = text(&before);
        nothing_planted(&redacted);
        assert_eq!(
            redacted.lines().count(),
            before.lines().count(),
            "{redacted}"
        );
        assert_eq!(redacted.lines().last(), Some("last"));
    }
}

#[test]
fn known_texts_go_by_their_telling_parts() {
    let redactor = Redactor::knowing(&[LICENSE.into()]);
    let redacted = redactor.text("Licensed to Planted Org, id planted-1234-5678.");
    assert_eq!(
        redacted.text,
        "Licensed to Planted Org, id [redacted: known secret]."
    );
    assert_eq!(Redactor::knowing(&[]).text("as it was").text, "as it was");
}

#[test]
fn what_tells_stays() {
    for line in [
        "MountVolume.SetUp failed for volume \"license\" : secret \"gridgain-license\" not found",
        "couldn't find key gridgain-license.xml in Secret ignite/gridgain-license",
        "Failed to read license: /ignite/license/gridgain-license.xml",
        "<property name=\"licenseUrl\" value=\"/ignite/license/gridgain-license.xml\"/>",
        "secretName: gridgain-license",
        "listener.0.0.0.0_15006.ssl.handshake: 14",
        "jwt.token_cache.size: 12",
        "tokenPath=/var/run/secrets/tokens/istio-token",
        "2026-11-23T23:37:08.628743Z\tinfo\tReadiness succeeded in 1.021160542s",
    ] {
        assert_eq!(text(line), line);
    }
    let gateway = json!({ "spec": { "servers": [{ "tls": {
        "mode": "SIMPLE", "credentialName": "person-tls" } }],
        "volumes": [{ "name": "license", "secret": { "secretName": "gridgain-license" } }] } });
    assert_eq!(json_text(gateway.clone()), gateway.to_string());
}

#[test]
fn recorded_logs_and_pages_stay_as_they_are() {
    for recorded in [
        include_str!("../../../../fixtures/product/healthy/node-0.log"),
        include_str!("../../../../fixtures/product/stall/node-1.log"),
        include_str!("../../../../fixtures/product/two-line/node-0.log"),
        include_str!("../../../../fixtures/proxies/client.log"),
        include_str!("../../../../fixtures/proxies/ignite-0.stats"),
        include_str!("../../../../fixtures/proxies/ignite-0.clusters"),
        include_str!("../../../../fixtures/proxies/gateway.certs"),
    ] {
        assert_eq!(text(recorded), recorded);
    }
}
