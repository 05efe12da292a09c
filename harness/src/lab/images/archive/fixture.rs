//! A small archive for tests: everything that a lab asks for by name, and nothing real in it.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::blocking::Alive;
use super::container::{IMAGES, PROGRAMS};
use super::manifest::{ARCHITECTURE, ArchivedImage, FORMAT, MESHPROOF, Manifest};
use super::tar;
use super::writer::Writer;
use crate::lab::images::wanted::{Wanted, WantedImage};
use crate::lab::images::{IstioBuild, ProbeBinary, pins};

pub const ISTIO: IstioBuild = pins::ISTIO_AUGUST_2026;

pub fn probe(version: &str) -> ProbeBinary {
    ProbeBinary {
        path: PathBuf::from("/nowhere/meshproof-probe"),
        version: version.into(),
    }
}

/// The names in the engine of the images in the archive, in the manifest's order.
pub fn references() -> Vec<String> {
    let wanted = Wanted::of(&ISTIO, &probe("1"));
    wanted
        .images
        .into_iter()
        .map(|image| image.reference)
        .collect()
}

/// Writes the archive with a manifest that was changed.
pub fn written(to: &Path, change: impl FnOnce(&mut Manifest)) {
    written_with(to, &[], change);
}

/// As [`written`], with more parts.
pub fn written_with(to: &Path, more: &[&str], change: impl FnOnce(&mut Manifest)) {
    written_all(to, more, &[], change);
}

/// As [`written`], with more images.
pub fn written_of(to: &Path, more: &[&'static str], change: impl FnOnce(&mut Manifest)) {
    written_all(to, &[], more, change);
}

fn written_all(
    to: &Path,
    more: &[&str],
    more_images: &[&'static str],
    change: impl FnOnce(&mut Manifest),
) {
    let mut wanted = Wanted::of(&ISTIO, &probe("1"));
    wanted
        .images
        .extend(more_images.iter().map(|name| WantedImage {
            name,
            reference: (*name).into(),
            origin: "elsewhere".into(),
        }));
    written_lab(to, &wanted, more, change);
}

/// As [`written`], of another lab.
pub fn written_lab(to: &Path, wanted: &Wanted, more: &[&str], change: impl FnOnce(&mut Manifest)) {
    let names: Vec<&str> = wanted.images.iter().map(|i| i.reference.as_str()).collect();
    let mut archive = Writer::begin(File::create(to).unwrap());
    let mut add = |path: &str, content: &[u8]| {
        let alive = Alive::default();
        archive.add(path, content, &alive, |_| Ok(())).unwrap();
    };
    add(IMAGES, &tar::saved(&names));
    for program in &wanted.programs {
        let (folder, name) = (program.folder(), program.program);
        add(&format!("{PROGRAMS}/{folder}/{name}"), b"#!/bin/sh\n");
    }
    for path in more {
        add(path, b"more");
    }
    let image = |image: &WantedImage| ArchivedImage {
        reference: image.reference.clone(),
        lab_name: image.name.into(),
        id: format!("sha256:{}", image.name),
        origin: image.origin.clone(),
    };
    let finished = archive.finish(|files| {
        let mut manifest = Manifest {
            format: FORMAT,
            meshproof: MESHPROOF.into(),
            architecture: ARCHITECTURE.into(),
            exported: "2026-11-25T12:00:00Z".parse().unwrap(),
            istio: ISTIO.id.into(),
            published: None,
            pulled: None,
            images: wanted.images.iter().map(image).collect(),
            files,
        };
        change(&mut manifest);
        manifest
    });
    finished.unwrap();
}
