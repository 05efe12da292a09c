//! What a cluster is for, in words: everything that was asked for, and nothing of which images that
//! came to. Of two clusters for one purpose the older is superseded, as after a new build of the probe
//! or of somebody's own image; one that was asked for otherwise is another lab, and stays.
//!
//! Where images come from is no part of it: a source that is chosen by itself may be another tomorrow.

use super::Wanted;
use crate::lab::images::{IstioWish, Key};

impl Wanted<'_> {
    pub(super) fn purpose(&self) -> String {
        let asked = self.asked;
        let mut purpose = format!("Istio {}", self.images.istio.id);
        if let IstioWish::Folder(folder) = &asked.istio {
            purpose.push_str(&format!(" of {}", folder.display()));
        }
        let sidecar_mode = Some(format!("sidecar mode {}", self.sidecar_mode));
        let version = |name: &str, asked: &Option<String>| {
            asked.as_ref().map(|version| format!("{name} {version}"))
        };
        let versions = [
            sidecar_mode,
            version("Envoy", &asked.envoy),
            version("Kubernetes", &asked.kubernetes),
            version("Ignite", &asked.ignite),
        ];
        let images = asked.images.iter();
        let images = images.map(|(part, image)| format!("{part} {image}"));
        // They may be long, and are known by their content.
        let values = self.mesh_values.map(|values| {
            let key = Key::over("mesh values").add(values).finish();
            format!("mesh values {key}")
        });
        for wish in versions.into_iter().flatten().chain(images).chain(values) {
            purpose.push_str(", ");
            purpose.push_str(&wish);
        }
        purpose
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{images, wanted};
    use super::*;
    use crate::lab::images::Part;
    use crate::lab::{ImagesWish, Topology};

    #[test]
    fn all_that_was_asked_for_is_in_it_and_nothing_of_what_came_of_it() {
        let (topology, mut images) = (Topology::for_cpus(2).unwrap(), images());
        let plain = ImagesWish::default();
        let plain = wanted(&images, &topology, &plain);
        // As records of before have it: what stands is superseded still.
        assert_eq!(plain.purpose(), "Istio 1.30.5, sidecar mode auto");
        let asked = ImagesWish {
            istio: IstioWish::Folder("/my/istio".into()),
            envoy: Some("1.37.0".into()),
            kubernetes: Some("v1.33.1".into()),
            ignite: Some("2.17.0".into()),
            images: [(Part::Ignite, "me/ignite:dev".to_owned())].into(),
            ..ImagesWish::default()
        };
        let all = Wanted {
            mesh_values: Some("spec: {}"),
            ..wanted(&images, &topology, &asked)
        };
        let purpose = all.purpose();
        let values = purpose.strip_prefix(
            "Istio 1.30.5 of /my/istio, sidecar mode auto, Envoy 1.37.0, Kubernetes v1.33.1, \
             Ignite 2.17.0, ignite me/ignite:dev, mesh values ",
        );
        let other_values = Wanted {
            mesh_values: Some("spec: { profile: default }"),
            ..all
        };
        assert!(values.is_some(), "{purpose}");
        assert_ne!(purpose, other_values.purpose());
        images.inside[0].id = "sha256:built-anew".into();
        assert_eq!(
            Wanted {
                mesh_values: Some("spec: {}"),
                ..wanted(&images, &topology, &asked)
            }
            .purpose(),
            purpose
        );
    }
}
