//! MP041: the configuration looks for the license where nothing is mounted.

use serde_json::Value;

use super::{Answer, Rule, Said, advice, command, listed};
use crate::diagnose::view::{ProductPod, View, is_ignite};
use crate::outcome::{Finding, Weight};
use crate::product::gridgain::LICENSE_FILE;

/// The rule.
pub const RULE: Rule = Rule {
    code: "MP041",
    title: "licenseUrl points to where nothing is mounted",
    apply,
};

fn apply(view: &View<'_>) -> Answer {
    let mut answer = Answer::nothing();
    let asks_for_a_license = |pod: &ProductPod<'_>| !is_ignite(pod.container);
    if let Some(because) = view.unread(view.namespace(), "ConfigMap")
        && view.product.iter().any(asks_for_a_license)
    {
        answer.lacks(because);
    }
    let mut seen: Vec<(String, String)> = vec![];
    for pod in view.product.iter().filter(|pod| !pod.is_leaving()) {
        let Some(node) = pod.node else { continue };
        for url in &node.license_urls {
            let Some(path) = file_path(url) else {
                if !url.contains("://") {
                    answer.lacks(format!(
                        "licenseUrl {url} is relative to where the node is started, which a \
                         snapshot does not tell"
                    ));
                }
                continue;
            };
            if mount_of(pod.container, pod.pod, path).is_some() {
                continue;
            }
            let of = view.maker_of(pod.pod).unwrap_or_else(|| pod.object());
            if !seen.contains(&(of.clone(), url.clone())) {
                seen.push((of.clone(), url.clone()));
                answer.findings.push(finding(view, pod, of, url, path));
            }
        }
    }
    answer
}

/// The path that a `licenseUrl` means, if it means an absolute one.
fn file_path(url: &str) -> Option<&str> {
    let path = url.strip_prefix("file:").unwrap_or(url);
    let path = match path.strip_prefix("//") {
        Some(rest) => &rest[rest.find('/')?..],
        None => path,
    };
    path.starts_with('/').then_some(path)
}

/// The mount of a container in which a path lies, and in which that file can be.
fn mount_of<'a>(container: &'a Value, pod: &Value, path: &str) -> Option<&'a Value> {
    let mounts = container["volumeMounts"].as_array()?;
    mounts.iter().find(|mount| {
        let at = mount["mountPath"].as_str().unwrap_or_default();
        let at = at.trim_end_matches('/');
        // A single file is mounted by subPath.
        if path == at {
            return true;
        }
        let Some(inside) = path
            .strip_prefix(at)
            .and_then(|rest| rest.strip_prefix('/'))
        else {
            return false;
        };
        let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
        let mut volumes = volumes.filter(|volume| volume["name"] == mount["name"]);
        let Some(volume) = volumes.next() else {
            return false;
        };
        // Nobody puts a license into an empty folder before the node starts, unless an init
        // container does.
        let filled = has_init_containers(pod) || !volume["emptyDir"].is_object();
        let named = |source: &Value| {
            let items = source["items"].as_array();
            items.is_none_or(|items| items.iter().any(|item| item["path"] == inside))
        };
        filled && named(&volume["secret"]) && named(&volume["configMap"])
    })
}

fn has_init_containers(pod: &Value) -> bool {
    let containers = pod["spec"]["initContainers"].as_array();
    containers.into_iter().flatten().any(|container| {
        let name = container["name"].as_str().unwrap_or_default();
        !name.starts_with("istio-")
    })
}

/// The file name that the configuration asks for in what a Secret is mounted to; where it asks for none
/// and the place is one for a license, the guide's.
pub(super) fn license_file(pod: &ProductPod<'_>, secret: &str) -> Option<String> {
    let volumes = pod.pod["spec"]["volumes"].as_array()?;
    let volume = volumes
        .iter()
        .find(|volume| volume["secret"]["secretName"] == secret)?;
    let mounts = pod.container["volumeMounts"].as_array()?;
    let mount = mounts.iter().find(|m| m["name"] == volume["name"])?;
    let at = mount["mountPath"].as_str()?.trim_end_matches('/');
    let urls = pod.node.iter().flat_map(|node| &node.license_urls);
    let mut asked = urls.filter_map(|url| file_path(url)?.strip_prefix(at)?.strip_prefix('/'));
    let of_the_guide = || at.contains("license").then_some(LICENSE_FILE);
    asked.next().or_else(of_the_guide).map(str::to_owned)
}

fn finding(
    view: &View<'_>,
    pod: &ProductPod<'_>,
    object: String,
    url: &str,
    path: &str,
) -> Finding {
    let volumes = pod.pod["spec"]["volumes"].as_array().into_iter().flatten();
    let secrets: Vec<&Value> = volumes
        .filter(|volume| volume["secret"]["secretName"].is_string())
        .map(|volume| &volume["name"])
        .collect();
    let mounts = pod.container["volumeMounts"]
        .as_array()
        .into_iter()
        .flatten();
    let places: Vec<String> = mounts
        .filter(|mount| secrets.contains(&&mount["name"]))
        .filter_map(|mount| mount["mountPath"].as_str())
        .map(|at| format!("`{at}`"))
        .collect();
    let mounted = if places.is_empty() {
        "no Secret is mounted into the container".to_owned()
    } else {
        format!("Secrets are mounted at {}", listed(&places))
    };
    let folder = path.rsplit_once('/').map_or("/", |(folder, _)| folder);
    RULE.finding(Said {
        weight: Weight::Cause,
        object,
        seen: format!("The configuration says licenseUrl `{url}`; {mounted}."),
        why: "The node finds no license there and exits, unless the image itself brings the file."
            .into(),
        remedies: vec![
            advice(format!(
                "mount the license's Secret at `{folder}`, or set licenseUrl to where it is mounted"
            )),
            command(format!("kubectl get secrets -n {}", view.namespace())),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_url_is_a_path_with_or_without_its_scheme() {
        for url in [
            "/ignite/license/x.xml",
            "file:/ignite/license/x.xml",
            "file:///ignite/license/x.xml",
        ] {
            assert_eq!(file_path(url), Some("/ignite/license/x.xml"), "{url}");
        }
        for other in ["x.xml", "https://example.com/x.xml"] {
            assert_eq!(file_path(other), None, "{other}");
        }
    }

    #[test]
    fn a_mount_holds_what_lies_below_it() {
        let pod = json!({ "spec": { "volumes": [
            { "name": "license", "secret": { "secretName": "s" } },
            { "name": "named", "secret": { "secretName": "s",
                "items": [{ "key": "k", "path": "other.xml" }] } },
            { "name": "work", "emptyDir": {} }
        ] } });
        let holds = |name: &str, at: &str| {
            let container = json!({ "volumeMounts": [{ "name": name, "mountPath": at }] });
            mount_of(&container, &pod, "/ignite/license/x.xml").is_some()
        };
        assert!(holds("license", "/ignite/license"));
        assert!(holds("license", "/ignite/license/"));
        assert!(holds("license", "/ignite/license/x.xml"));
        assert!(!holds("license", "/ignite/lic"));
        assert!(!holds("license", "/ignite/licenses"));
        assert!(!holds("named", "/ignite/license"));
        assert!(!holds("work", "/ignite"));
    }
}
