use super::*;

#[test]
fn the_images_are_told_however_the_bytes_come() {
    let tar = saved(&["a:1", "b:2"]);
    for piece in [1, 7, 512, 1000, tar.len()] {
        let mut watch = TarWatch::default();
        for bytes in tar.chunks(piece) {
            watch.see(bytes).unwrap();
        }
        let told = watch.images().expect("whole");
        assert_eq!(told, ["a:1", "b:2"], "in pieces of {piece}");
    }
}

#[test]
fn one_without_its_end_tells_none() {
    let tar = saved(&["a:1"]);
    let mut watch = TarWatch::default();
    watch.see(&tar[..tar.len() - 2 * BLOCK]).unwrap();
    assert_eq!(watch.images(), None);
    assert!(TarWatch::default().see(&[1; BLOCK]).is_err());
}

/// The error that these members bring, one after the other.
fn refused(members: &[(&str, u8, &[u8])]) -> String {
    let mut watch = TarWatch::default();
    let seen = watch.see(&members_of(members));
    seen.unwrap_err().to_string()
}

#[test]
fn whatever_could_be_another_listing_is_refused() {
    let listing: &[u8] = br#"[{"RepoTags":["a:1"]}]"#;
    for name in [
        "manifest.json",
        "./manifest.json",
        ".//manifest.json",
        "a/../manifest.json",
    ] {
        let told = refused(&[("manifest.json", b'0', listing), (name, b'0', listing)]);
        assert!(told.contains("two listings"), "{name}: {told}");
    }
    let told = refused(&[("manifest.json", b'2', b"")]);
    assert!(told.contains("no plain file"), "{told}");
    let large = vec![b' '; (1 << 20) + 1];
    let told = refused(&[("manifest.json", b'0', &large)]);
    assert!(told.contains("too large"), "{told}");
    for kind in [b'x', b'g', b'L'] {
        let told = refused(&[("pax", kind, b"22 path=manifest.json\n")]);
        assert!(told.contains("by another name"), "{told}");
    }
}

#[test]
fn nothing_follows_the_end() {
    let mut watch = TarWatch::default();
    watch.see(&saved(&["a:1"])).unwrap();
    watch.see(&[0; 20 * BLOCK]).unwrap();
    assert!(watch.images().is_some(), "filling may follow");
    let told = watch.see(&saved(&["b:2"])).unwrap_err().to_string();
    assert!(told.contains("after its end"), "{told}");
}

#[test]
fn a_listing_under_a_longer_path_is_read_as_the_engine_reads_it() {
    let listing: &[u8] = br#"[{"RepoTags":["a:1"]}]"#;
    let mut tar = members_of(&[("./manifest.json", b'0', listing)]);
    tar.extend([0; 2 * BLOCK]);
    let mut watch = TarWatch::default();
    watch.see(&tar).unwrap();
    assert_eq!(watch.images().unwrap(), ["a:1"]);
}

#[test]
fn sizes_are_octal_or_binary() {
    assert_eq!(number(b"00000002424\0"), Some(1300));
    assert_eq!(
        number(&[0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1]),
        Some((2 << 32) + 1)
    );
    assert_eq!(number(b"not a number"), None);
}
