//! Tells where images came from: those that an archive brought are known by its record.

use super::Imported;
use crate::lab::images::{Chosen, Source};

/// One image that is in the engine, as far as its origin is concerned.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// How a person knows it.
    pub name: &'a str,
    /// Its name in the engine.
    pub reference: &'a str,
    /// Its id there.
    pub id: &'a str,
}

impl Imported {
    /// The import that brought an image, if one did.
    pub fn that_brought<'r>(records: &'r [Self], image: Known<'_>) -> Option<&'r Self> {
        let mut records = records.iter();
        records.find(|record| record.brought(image.reference, image.id))
    }
}

/// How images are told that no archive brought: by the source that was chosen, but as built where
/// that was an archive and holds nothing else than what was here before.
pub fn otherwise(records: &[Imported], images: &[Known<'_>], chosen: &Chosen) -> String {
    let was_here = |image: &&Known<'_>| {
        let holds = |record: &Imported| record.holds(image.reference, image.id);
        Imported::that_brought(records, **image).is_none() && records.iter().any(holds)
    };
    match chosen.source == Source::Archive && images.iter().any(|image| was_here(&image)) {
        true => format!("build (an archive holds the same, {})", chosen.why),
        false => chosen.told(),
    }
}

/// Where images came from, in words; those that no archive brought came `otherwise`. None where there
/// are no images.
pub fn told<'a>(
    records: &[Imported],
    images: impl IntoIterator<Item = Known<'a>>,
    otherwise: &str,
) -> Option<String> {
    let (mut archives, mut others) = (vec![], vec![]);
    for image in images {
        match Imported::that_brought(records, image).map(Imported::told) {
            Some(archive) if archives.contains(&archive) => {}
            Some(archive) => archives.push(archive),
            None => others.push(image.name),
        }
    }
    let archives = archives.join(" and ");
    match (archives.is_empty(), others.is_empty()) {
        (true, true) => None,
        (true, false) => Some(otherwise.to_owned()),
        (false, true) => Some(archives),
        (false, false) => Some(format!("{archives}; {} by {otherwise}", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(archive: &str, images: &[&str]) -> Imported {
        Imported {
            archive: archive.into(),
            exported: "2026-11-25T12:00:00Z".parse().unwrap(),
            meshproof: "0.1.0".into(),
            images: images
                .iter()
                .map(|name| ((*name).into(), format!("id-{name}")))
                .collect(),
            before: Default::default(),
        }
    }

    fn image(name: &'static str) -> Known<'static> {
        let id = match name {
            "a" => "id-a",
            "b" => "id-b",
            _ => "id-of-another",
        };
        Known {
            name,
            reference: name,
            id,
        }
    }

    #[test]
    fn what_an_archive_holds_and_was_here_before_was_built() {
        let mut records = [record("/1", &["a"])];
        records[0].before.insert("b".into(), "id-b".into());
        let chosen = |source| Chosen {
            source,
            why: "asked for".into(),
        };
        let told = |names: &[&'static str], source| {
            let images: Vec<_> = names.iter().map(|name| image(name)).collect();
            otherwise(&records, &images, &chosen(source))
        };
        let built = "build (an archive holds the same, asked for)";
        assert_eq!(told(&["a", "b"], Source::Archive), built);
        assert_eq!(told(&["a"], Source::Archive), "archive (asked for)");
        assert_eq!(told(&["b"], Source::Build), "build (asked for)");
    }

    #[test]
    fn each_image_is_told_by_where_it_came_from() {
        let records = [record("/1", &["a", "c"]), record("/2", &["a", "b"])];
        let told = |names: &[&'static str]| told(&records, names.iter().map(|n| image(n)), "build");
        assert_eq!(told(&[]), None);
        assert_eq!(told(&["c"]).unwrap(), "build", "it was made anew since");
        let one = "archive /1, exported 2026-11-25T12:00:00Z";
        assert_eq!(told(&["a"]).unwrap(), one);
        let two = "archive /2, exported 2026-11-25T12:00:00Z";
        assert_eq!(told(&["a", "b"]).unwrap(), format!("{one} and {two}"));
        assert_eq!(
            told(&["c", "a", "d"]).unwrap(),
            format!("{one}; c, d by build")
        );
    }
}
