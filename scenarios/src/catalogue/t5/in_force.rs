//! Whether what a T5 case takes away is gone: by the API, and by what the gateway's proxy listens on.

use meshproof_harness::evidence::gateway::listening;
use meshproof_harness::kube::{Kube, pods, read_until};
use meshproof_harness::mesh::ISTIO_NAMESPACE;
use meshproof_harness::mesh::ingress_gateway::{self, INGRESS_GATEWAY};
use meshproof_harness::outcome::{Check, Evidence, Standing};
use meshproof_harness::scenario::{Stand, StepError};

use super::{Lacks, cleanup};

/// The gateway's port in its pod, to which the Service leads 443.
const GATEWAY_PORT: u16 = 8443;
/// The port of the gateway's own readiness, on which it listens whatever is asked of it: a page of
/// listeners without it shows nothing.
const READINESS_PORT: u16 = 15021;

/// What is asked of the API, and whether it has to be there.
struct Wanted {
    kind: &'static str,
    name: &'static str,
    namespace: String,
    path: String,
    there: bool,
}

/// All that has to be so before the symptom is looked for.
pub(super) async fn checks(stand: &Stand, lacks: Lacks) -> Result<Vec<Check>, StepError> {
    let mut checks = vec![];
    for wanted in wanted(&stand.namespace, lacks) {
        checks.push(wanted.asked(&stand.kube).await?);
    }
    if lacks == Lacks::Pods {
        checks.push(no_pod(&stand.kube).await?);
    }
    let listens_not = matches!(lacks, Lacks::GatewayResource | Lacks::Secret);
    if listens_not && checks.iter().all(Check::holds) {
        checks.push(does_not_listen(stand).await?);
    }
    Ok(checks)
}

/// The objects by which a case is told from the others: what is gone, and what is still there.
fn wanted(namespace: &str, lacks: Lacks) -> Vec<Wanted> {
    let of = |kind: &'static str, group: &str, namespace: &str, name: &'static str| Wanted {
        kind,
        name,
        namespace: namespace.to_owned(),
        path: format!("/{group}/namespaces/{namespace}/{kind}s/{name}"),
        there: true,
    };
    let networking = "apis/networking.istio.io/v1";
    let service = of("service", "api/v1", ISTIO_NAMESPACE, INGRESS_GATEWAY);
    let deployment = of(
        "deployment",
        "apis/apps/v1",
        ISTIO_NAMESPACE,
        INGRESS_GATEWAY,
    );
    let gateway = of("gateway", networking, namespace, "ignite-client-gateway");
    let route = of("virtualservice", networking, namespace, "ignite-client");
    let secret = of("secret", "api/v1", ISTIO_NAMESPACE, cleanup::GATEWAY_SECRET);
    let gone = |object: Wanted| Wanted {
        there: false,
        ..object
    };
    match lacks {
        Lacks::Installation => vec![gone(service), gone(deployment), gateway, route, secret],
        Lacks::Pods => vec![service, deployment, gateway, route, secret],
        Lacks::GatewayResource => vec![service, deployment, gone(gateway), route, secret],
        Lacks::Secret => vec![service, deployment, gateway, route, gone(secret)],
    }
}

impl Wanted {
    async fn asked(&self, kube: &Kube) -> Result<Check, StepError> {
        let (seen, there) = match kube.raw(&self.path).await {
            Ok(_) => ("there".to_owned(), true),
            Err(error) if error.is_not_found() => (error.to_string(), false),
            Err(error) => return Err(error.into()),
        };
        let Self {
            kind,
            name,
            namespace,
            ..
        } = self;
        let statement = match self.there {
            true => format!("the {kind} {namespace}/{name} is there"),
            false => format!("the {kind} {namespace}/{name} is gone"),
        };
        let command = format!("kubectl get {kind} {name} -n {namespace}");
        let evidence = Evidence::now(command, seen.clone(), seen.clone());
        let so = there == self.there;
        Ok(Check::answered(
            Standing::Truth,
            statement,
            so,
            seen,
            vec![evidence],
        ))
    }
}

async fn no_pod(kube: &Kube) -> Result<Check, StepError> {
    let left = ingress_gateway::listed(kube).await?;
    let seen = match left.len() {
        0 => "no pod".to_owned(),
        _ => left.iter().map(pods::line).collect::<Vec<_>>().join(", "),
    };
    let command = format!("kubectl get pods -n {ISTIO_NAMESPACE} -l istio=ingressgateway");
    Ok(Check::answered(
        Standing::Truth,
        "the ingress gateway has no pod",
        left.is_empty(),
        seen.clone(),
        vec![Evidence::now(command, seen.clone(), seen)],
    ))
}

/// That the gateway's proxy runs and does not listen on the port. It is asked until it is so: istiod
/// pushes within a second, and a push tells nobody that it came.
async fn does_not_listen(stand: &Stand) -> Result<Check, StepError> {
    let kube = &stand.kube;
    let statement = format!("the gateway's proxy listens, but not on {GATEWAY_PORT}");
    let listed = ingress_gateway::listed(kube).await?;
    let Some(pod) = listed.iter().find(|pod| pods::is_ready(pod)) else {
        let seen = "no pod of the gateway is Ready";
        return Ok(Check::answered(
            Standing::Truth,
            statement,
            false,
            seen,
            vec![],
        ));
    };
    let name = pod.metadata.name.clone().unwrap_or_default();
    let (ports, page) = read_until(
        kube.limit(20),
        || listening(kube, &name),
        |(ports, _)| !ports.contains(&GATEWAY_PORT),
    )
    .await?;
    let so = ports.contains(&READINESS_PORT) && !ports.contains(&GATEWAY_PORT);
    let seen = match ports.as_slice() {
        [] => "it lists no listener".to_owned(),
        ports => {
            let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
            format!("it listens on {}", ports.join(", "))
        }
    };
    let command = format!("istioctl proxy-config listeners {name} -n {ISTIO_NAMESPACE}");
    let evidence = Evidence::now(command, page, seen.clone());
    Ok(Check::answered(
        Standing::Truth,
        statement,
        so,
        seen,
        vec![evidence],
    ))
}
