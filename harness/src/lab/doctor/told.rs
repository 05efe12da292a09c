//! An examination as a person reads it. Pure.

use super::{Examination, Facts, Folder, Lack};

/// Facts and verdict, as lines.
pub fn lines(facts: &Facts, examination: &Examination) -> String {
    let mut text = String::new();
    let mut fact = |name: &str, value: String| text.push_str(&format!("{name:8}  {value}\n"));
    fact(
        "Machine",
        format!(
            "{} on {}, {} CPU{}, {} of memory, {} of it free",
            facts.kernel,
            facts.architecture,
            facts.cpus,
            if facts.cpus == 1 { "" } else { "s" },
            gib(facts.memory_mib),
            gib(facts.memory_available_mib)
        ),
    );
    fact(
        "Engine",
        match &facts.engine {
            Err(_) => "none to be used".into(),
            Ok(engine) => format!(
                "Docker {} for {}, {} storage, control groups v{} by {}{}",
                engine.version,
                engine.platform,
                engine.storage_driver,
                engine.cgroup_version,
                engine.cgroup_driver,
                engine.free_gib.map_or(String::new(), |free| format!(
                    ", {free} GiB free below {}",
                    engine.root.display()
                ))
            ),
        },
    );
    fact("Cache", folder(&facts.cache));
    fact("State", folder(&facts.state));
    if let Some(inotify) = facts.inotify {
        let (instances, watches) = (inotify.instances, inotify.watches);
        let value = format!("{instances} instances and {watches} watches for each user");
        fact("inotify", value);
    }
    if let (Some(mirror), Some(answer)) = (&facts.mirror, &facts.registry) {
        let verb = match answer {
            Ok(()) => "serves",
            Err(_) => "does not serve",
        };
        fact(
            "Mirror",
            format!("{mirror}, which {verb} the released images"),
        );
    }
    let istio = format!("Istio {}", facts.images.istio);
    fact(
        "Images",
        match facts.engine {
            Err(_) => "unknown without an engine".into(),
            Ok(_) => there(&istio, &facts.images.missing),
        },
    );
    for lab in &facts.pulled {
        fact("Pulled", there(&lab.lab, &lab.missing));
    }
    text.push('\n');
    let lab = match (examination.lab.len(), examination.images_there) {
        (0, true) => "can run on the images that are there".to_owned(),
        (0, false) => "can run once its images are there".to_owned(),
        (_, _) => "cannot run, wherever its images come from:".to_owned(),
    };
    text.push_str(&format!("{:8}  {lab}\n", "lab"));
    text.extend(examination.lab.iter().map(one_line));
    for source in &examination.sources {
        let verdict = match source.lacks.is_empty() {
            true => "lacks nothing",
            false => "cannot be the images' source:",
        };
        text.push_str(&format!("{:8}  {verdict}\n", source.source));
        text.extend(source.lacks.iter().map(one_line));
    }
    if !examination.notes.is_empty() {
        text.push_str("\nNo hindrance, but to be known:\n");
        text.extend(examination.notes.iter().map(one_line));
    }
    text
}

fn there(lab: &str, missing: &Option<Vec<String>>) -> String {
    match missing {
        None => format!("unknown for {lab}"),
        Some(none) if none.is_empty() => format!("all there for {lab}"),
        Some(missing) => format!("missing for {lab}: {}", missing.join(", ")),
    }
}

fn one_line(lack: &Lack) -> String {
    format!("  - {}; {}\n", lack.what, lack.cure)
}

fn gib(mib: u64) -> String {
    format!("{:.1} GiB", mib as f64 / 1024.0)
}

fn folder(folder: &Folder) -> String {
    let writable = match folder.unwritable {
        Some(_) => "cannot be written",
        None => "can be written",
    };
    format!(
        "{}, {writable}, {} GiB free",
        folder.path.display(),
        folder.free_gib
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::doctor::PulledFound;

    /// What was seen of a 2-core machine with a lab, without a way to any image registry.
    const HEALTHY: &str = include_str!("../../../fixtures/lab/doctor-facts.json");

    fn told(facts: &Facts) -> String {
        lines(facts, &Examination::of(facts))
    }

    #[test]
    fn a_machine_with_a_lab_and_one_that_is_bare() {
        let healthy: Facts = serde_json::from_str(HEALTHY).unwrap();
        assert!(Examination::of(&healthy).can_run());
        insta::assert_snapshot!("with_a_lab", told(&healthy));

        let mut no_images = healthy.clone();
        no_images.images.missing = Some(vec!["node".into(), "proxyv2".into()]);
        no_images.root = false;
        no_images.tools[1].found = false;
        let examined = Examination::of(&no_images);
        let can: Vec<_> = examined
            .sources
            .iter()
            .map(|s| s.lacks.is_empty())
            .collect();
        assert_eq!(can, [false, false, true], "{examined:?}");
        insta::assert_snapshot!("without_images", told(&no_images));

        let mut pulling = no_images.clone();
        pulling.mirror = Some("h:5000".into());
        let lacks = crate::lab::LabError::RegistryLacks {
            registry: "h:5000".into(),
            image: "h:5000/istio/pilot:1.30.5".into(),
            said: "no such manifest".into(),
            option: "--istio",
        };
        pulling.registry = Some(Err(lacks.to_string()));
        let lab = "Istio 1.30.5, Kubernetes v1.34.11, Ignite 2.16.0".to_owned();
        pulling.pulled = vec![PulledFound {
            lab,
            missing: Some(vec!["kind (the program)".into()]),
        }];
        assert!(!Examination::of(&pulling).images_there);
        insta::assert_snapshot!("with_a_mirror_that_lacks_an_image", told(&pulling));
        pulling.registry = Some(Ok(()));
        pulling.pulled[0].missing = Some(vec![]);
        assert!(Examination::of(&pulling).images_there);
        insta::assert_snapshot!("with_a_pulled_lab", told(&pulling));

        let mut bare = no_images.clone();
        bare.engine = Err(crate::lab::LabError::NoEngine("it is down".into()).to_string());
        bare.registry = None;
        bare.standing.clear();
        bare.images.missing = None;
        bare.architecture = "aarch64".into();
        bare.cpus = 1;
        (bare.memory_mib, bare.memory_available_mib) = (3_900, 900);
        bare.cache.free_gib = 1;
        bare.state.unwritable = Some("Read-only file system (os error 30)".into());
        bare.inotify.as_mut().unwrap().instances = 32;
        assert!(!Examination::of(&bare).can_run());
        insta::assert_snapshot!("bare", told(&bare));
    }
}
