//! Tests of the codec, byte for byte. Answers were recorded from Ignite 2.16.0.

use super::*;

#[test]
fn the_handshake_is_twelve_bytes() {
    assert_eq!(handshake_request(), [8, 0, 0, 0, 1, 1, 0, 2, 0, 0, 0, 2]);
}

#[test]
fn a_handshake_is_accepted_by_a_single_one() {
    assert_eq!(handshake_answer(&[1]), Ok(Handshake::Accepted));
    assert!(handshake_answer(&[1, 0]).is_err());
    assert!(handshake_answer(&[]).is_err());
    assert!(handshake_answer(&[2]).is_err());
}

#[test]
fn a_refused_handshake_tells_the_servers_version() {
    let body = b"\0\x01\0\x07\0\0\0\x09\x1b\0\0\0Unsupported version: 1.99.0\x01\0\0\0";
    let expected = Handshake::Refused {
        server: Version {
            major: 1,
            minor: 7,
            patch: 0,
        },
        reason: "Unsupported version: 1.99.0".to_owned(),
        status: 1,
    };
    assert_eq!(handshake_answer(body), Ok(expected));
    assert!(handshake_answer(&body[..body.len() - 1]).is_err());
}

#[test]
fn a_request_is_length_operation_id_and_payload() {
    let frame = request(Operation::GetOrCreateCache, 5, &cache_name("AB")).unwrap();
    let expected = [
        17, 0, 0, 0, 0x1c, 0x04, 5, 0, 0, 0, 0, 0, 0, 0, 9, 2, 0, 0, 0, b'A', b'B',
    ];
    assert_eq!(frame, expected);
    assert!(request(Operation::Put, 1, &vec![0; MAX_FRAME]).is_err());
}

#[test]
fn operations_carry_their_codes() {
    for (operation, code) in [
        (Operation::Get, 1000),
        (Operation::Put, 1001),
        (Operation::Size, 1020),
        (Operation::CacheNames, 1050),
        (Operation::GetOrCreateCache, 1052),
    ] {
        let frame = request(operation, 0, &[]).unwrap();
        assert_eq!(
            i16::from_le_bytes([frame[4], frame[5]]),
            code,
            "{}",
            operation.name()
        );
    }
}

#[test]
fn a_cache_is_named_by_javas_hash_code() {
    assert_eq!(cache_id(""), 0);
    assert_eq!(cache_id("a"), 97);
    // "PERSON".hashCode(), as Java gives it.
    assert_eq!(cache_id("PERSON"), -1_938_387_115);
    // Beyond the basic plane Java hashes the two surrogates.
    assert_eq!(cache_id("😀"), 0xd83d * 31 + 0xde00);
}

#[test]
fn entries_carry_cache_flags_and_typed_values() {
    let payload = entries(
        "a",
        &[&Value::Int(-2), &Value::Long(1), &"x".into(), &Value::Null],
    );
    let expected = [
        97, 0, 0, 0, 0, // cache id, no flags
        3, 0xfe, 0xff, 0xff, 0xff, // int
        4, 1, 0, 0, 0, 0, 0, 0, 0, // long
        9, 1, 0, 0, 0, b'x', // string
        101,  // null
    ];
    assert_eq!(payload, expected);
    assert_eq!(size("a"), [97, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn every_value_is_read_back_as_it_was_written() {
    let values = [
        Value::Null,
        Value::Int(i32::MIN),
        Value::Long(i64::MAX),
        "grüße".into(),
        "".into(),
    ];
    for expected in values {
        let mut payload = Vec::new();
        expected.encode(&mut payload);
        assert_eq!(value(&payload), Ok(expected));
    }
}

#[test]
fn values_that_do_not_fit_are_malformed() {
    assert!(value(&[12]).is_err(), "a type that is not supported");
    assert!(value(&[3, 1, 0]).is_err(), "a short int");
    assert!(value(&[9, 5, 0, 0, 0, b'x']).is_err(), "a short text");
    assert!(
        value(&[9, 0xff, 0xff, 0xff, 0xff]).is_err(),
        "a negative length"
    );
    assert!(value(&[9, 1, 0, 0, 0, 0xff]).is_err(), "not UTF-8");
    assert!(value(&[101, 0]).is_err(), "bytes after the end");
}

#[test]
fn an_answer_has_a_payload_or_a_reason() {
    let body = [7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 101];
    assert_eq!(
        answer(&body),
        Ok(Answer {
            id: 7,
            outcome: Ok(&[101])
        })
    );
    let failed = [
        7, 0, 0, 0, 0, 0, 0, 0, 0xe8, 3, 0, 0, 9, 2, 0, 0, 0, b'n', b'o',
    ];
    assert_eq!(
        answer(&failed),
        Ok(Answer {
            id: 7,
            outcome: Err((1000, "no".to_owned()))
        })
    );
    assert!(answer(&body[..11]).is_err());
}

#[test]
fn counts_and_names_are_read() {
    assert_eq!(count(&[3, 0, 0, 0, 0, 0, 0, 0]), Ok(3));
    assert!(count(&[0xff; 8]).is_err());
    let two = [2, 0, 0, 0, 9, 1, 0, 0, 0, b'A', 9, 1, 0, 0, 0, b'B'];
    assert_eq!(names(&two), Ok(vec!["A".to_owned(), "B".to_owned()]));
    assert_eq!(names(&[0; 4]), Ok(Vec::new()));
    assert!(names(&two[..10]).is_err());
    assert!(nothing(&[]).is_ok());
    assert!(nothing(&[0]).is_err());
}

#[test]
fn several_entries_are_counted_before_they_come() {
    let pair = (Value::from(1_i32), Value::from(2_i32));
    let one = [3, 1, 0, 0, 0];
    let two = [3, 2, 0, 0, 0];
    let head = |count: u8| {
        let mut head = cache_id("A").to_le_bytes().to_vec();
        head.extend([0, count, 0, 0, 0]);
        head
    };
    let mut wanted = head(1);
    wanted.extend(one.iter().chain(&two));
    assert_eq!(pairs("A", std::slice::from_ref(&pair)), wanted);
    let mut wanted = head(2);
    wanted.extend(one.iter().chain(&two));
    assert_eq!(keys("A", &[pair.0.clone(), pair.1.clone()]), wanted);

    let mut answer = vec![1, 0, 0, 0];
    answer.extend(one.iter().chain(&two));
    assert_eq!(found(&answer), Ok(vec![pair]));
    assert_eq!(found(&[0; 4]), Ok(vec![]));
    assert!(found(&answer[..9]).is_err());
}

#[test]
fn a_frame_is_held_against_the_limit() {
    assert_eq!(frame_length([1, 0, 0, 0]), Ok(1));
    assert_eq!(frame_length([0, 0, 0, 1]), Ok(MAX_FRAME));
    assert!(frame_length([1, 0, 0, 1]).is_err());
    assert!(frame_length([0; 4]).is_err());
    assert!(frame_length([0xff; 4]).is_err());
    let http = frame_length(*b"HTTP").unwrap_err();
    assert!(
        http.to_string().contains("its length is 1347703880"),
        "{http}"
    );
}
