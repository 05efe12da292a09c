//! Applies, reads and deletes objects, and asks for them as the tables that kubectl prints.

use kube::api::{ApiResource, DeleteParams, DynamicObject, Patch, PatchParams};
use kube::core::{GroupVersionKind, TypeMeta};
use kube::discovery::{Scope, pinned_kind};
use kube::{Api, ResourceExt};
use serde_json::Value;

use super::{Kube, KubeError};
use crate::waits::Wait;

/// The field manager that our changes carry.
pub const FIELD_MANAGER: &str = "meshproof";

impl Kube {
    /// Applies objects in their order, by server-side apply with strict validation.
    ///
    /// # Errors
    /// The first object that is refused, by kind and name.
    pub async fn apply(&self, objects: &[Value]) -> Result<(), KubeError> {
        for object in objects {
            self.patch(object, false).await?;
        }
        Ok(())
    }

    /// What the API server would store for this object, without storing it.
    ///
    /// # Errors
    /// When it would be refused.
    pub async fn dry_run(&self, object: &Value) -> Result<Value, KubeError> {
        self.patch(object, true).await
    }

    async fn patch(&self, object: &Value, dry_run: bool) -> Result<Value, KubeError> {
        let object: DynamicObject =
            serde_json::from_value(object.clone()).map_err(|e| KubeError::Object {
                what: "a manifest".into(),
                reason: e.to_string(),
            })?;
        let (api, what) = self.api_of(&object).await?;
        let mut parameters = PatchParams::apply(FIELD_MANAGER).force();
        parameters.field_validation = Some(kube::api::ValidationDirective::Strict);
        parameters.dry_run = dry_run;
        let stored = api
            .patch(&object.name_any(), &parameters, &Patch::Apply(&object))
            .await
            .map_err(KubeError::api(format!("applying {what}")))?;
        serde_json::to_value(&stored).map_err(|e| KubeError::Object {
            what,
            reason: e.to_string(),
        })
    }

    /// Deletes objects; one that is gone already is no error.
    ///
    /// # Errors
    /// The first object that cannot be deleted.
    pub async fn delete(&self, objects: &[Value]) -> Result<(), KubeError> {
        for object in objects {
            let object: DynamicObject =
                serde_json::from_value(object.clone()).map_err(|e| KubeError::Object {
                    what: "a manifest".into(),
                    reason: e.to_string(),
                })?;
            let (api, what) = match self.api_of(&object).await {
                Err(error) if error.is_not_found() => continue,
                other => other?,
            };
            match api
                .delete(&object.name_any(), &DeleteParams::default())
                .await
            {
                Ok(_) => {}
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(KubeError::api(format!("deleting {what}"))(error)),
            }
        }
        Ok(())
    }

    /// Fetches any path of the API as JSON, within 30 s with the connection.
    ///
    /// # Errors
    /// When the server answers with an error, or not in time.
    pub async fn raw(&self, path: &str) -> Result<Value, KubeError> {
        self.raw_as(path, "application/json").await
    }

    /// Fetches a path of the API in the Table format, which `kubectl get` prints, within
    /// 30 s.
    ///
    /// # Errors
    /// When the server answers with an error, or not in time.
    pub async fn table(&self, path: &str) -> Result<Value, KubeError> {
        self.raw_as(path, "application/json;as=Table;v=v1;g=meta.k8s.io")
            .await
    }

    async fn raw_as(&self, path: &str, accept: &str) -> Result<Value, KubeError> {
        let request = hyper::Request::get(path)
            .header(hyper::header::ACCEPT, accept)
            .body(vec![])
            .map_err(|e| KubeError::Object {
                what: path.to_owned(),
                reason: e.to_string(),
            })?;
        let limit = self.limit(30);
        let _wait = Wait::begin(format!("the API server's answer to GET {path}"));
        match tokio::time::timeout(limit, self.client().request(request)).await {
            Ok(answer) => answer.map_err(KubeError::api(format!("reading {path}"))),
            Err(_) => Err(KubeError::TimedOut {
                name: format!("the API server's answer to GET {path}"),
                limit,
                last_seen: "no whole answer".into(),
            }),
        }
    }

    async fn api_of(
        &self,
        object: &DynamicObject,
    ) -> Result<(Api<DynamicObject>, String), KubeError> {
        let unnamed = || KubeError::Object {
            what: format!("the object {}", object.name_any()),
            reason: "it has no apiVersion and kind".into(),
        };
        let types: &TypeMeta = object.types.as_ref().ok_or_else(unnamed)?;
        let kind = GroupVersionKind::try_from(types).map_err(|_| unnamed())?;
        let what = match object.namespace() {
            Some(namespace) => format!("{} {namespace}/{}", kind.kind, object.name_any()),
            None => format!("{} {}", kind.kind, object.name_any()),
        };
        let (resource, scope) = match well_known(&kind) {
            Some(known) => known,
            None => {
                let (resource, capabilities) = pinned_kind(&self.client(), &kind)
                    .await
                    .map_err(KubeError::api(format!("looking up the kind {}", kind.kind)))?;
                (resource, capabilities.scope)
            }
        };
        let api = match (scope, object.namespace()) {
            (Scope::Namespaced, Some(namespace)) => {
                Api::namespaced_with(self.client(), &namespace, &resource)
            }
            (Scope::Namespaced, None) => {
                return Err(KubeError::Object {
                    what,
                    reason: "it names no namespace".into(),
                });
            }
            (Scope::Cluster, _) => Api::all_with(self.client(), &resource),
        };
        Ok((api, what))
    }
}

/// Kubernetes' own kinds that every cluster serves, so that they cost no look-up.
fn well_known(kind: &GroupVersionKind) -> Option<(ApiResource, Scope)> {
    let scope = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => Scope::Cluster,
        ("", "ConfigMap" | "Service" | "Secret" | "Pod") => Scope::Namespaced,
        ("apps", "StatefulSet" | "Deployment") => Scope::Namespaced,
        _ => return None,
    };
    Some((ApiResource::from_gvk(kind), scope))
}
