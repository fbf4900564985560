#![allow(clippy::unwrap_used, clippy::panic)]

use std::{collections::BTreeMap, path::PathBuf};

use bytes::Bytes;

use super::*;
use crate::files::Spool;

const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
const EXCEL: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const POWERPOINT: &str = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

/// Endings that stand for each other, with the type of each one's sample.
const FAMILIES: [&[(&str, &str)]; 15] = [
    &[("txt", "text/plain")],
    &[("log", "text/plain")],
    &[("csv", "text/csv")],
    &[("eml", "message/rfc822")],
    &[("svg", "image/svg+xml")],
    &[
        ("png", "image/png"),
        ("jpeg", "image/jpeg"),
        ("jpg", "image/jpeg"),
        ("gif", "image/gif"),
        ("heif", "image/heic"),
        ("heic", "image/heic"),
        ("avif", "image/avif"),
    ],
    &[("wav", "audio/wav"), ("m4a", "audio/mp4"), ("mp3", "audio/mpeg")],
    &[
        ("mp4", "video/mp4"),
        ("m4v", "video/mp4"),
        ("mov", "video/quicktime"),
        ("mpeg", "video/mpeg"),
        ("mpg", "video/mpeg"),
    ],
    &[("pdf", "application/pdf")],
    &[("doc", "application/msword"), ("docx", WORD)],
    &[("xls", "application/vnd.ms-excel"), ("xlsx", EXCEL)],
    &[("ppt", "application/vnd.ms-powerpoint"), ("pptx", POWERPOINT)],
    &[("zip", "application/zip")],
    &[("key", "application/vnd.apple.keynote"), ("keynote", "application/vnd.apple.keynote")],
    &[("pages", "application/vnd.apple.pages"), ("numbers", "application/vnd.apple.numbers")],
];

/// Beginnings of programs, as long as a real one's head.
fn programs() -> BTreeMap<&'static str, Vec<u8>> {
    let padded = |magic: &[u8]| [magic, &[0; 512]].concat();
    BTreeMap::from([
        ("Windows", padded(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff")),
        ("Linux", padded(b"\x7fELF\x02\x01\x01")),
        ("macOS", padded(b"\xcf\xfa\xed\xfe\x07\0\0\x01")),
        ("macOS, several", padded(b"\xca\xfe\xba\xbe\0\0\0\x02")),
        ("Java", padded(b"\xca\xfe\xba\xbe\0\0\0\x34")),
        ("Android", padded(b"dex\n035\0")),
        ("web", padded(b"\0asm\x01\0\0\0")),
        ("script", b"#!/bin/sh\nrm -rf ~\n".to_vec()),
        ("link", padded(b"L\0\0\0\x01\x14\x02\0")),
        ("with a PDF inside", [padded(b"MZ"), b"%PDF-1.4\n".to_vec()].concat()),
    ])
}

async fn spooled(bytes: &[u8]) -> SpooledFile {
    let mut spool = Spool::new(None).unwrap();
    spool.write(Bytes::copy_from_slice(bytes)).await.unwrap();
    spool.finish().await.unwrap()
}

async fn checked(name: &str, bytes: &[u8]) -> Result<&'static str, UnfitType> {
    check(name, &spooled(bytes).await)
}

fn sample(ending: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/files");
    std::fs::read(folder.join(format!("sample.{ending}"))).unwrap()
}

fn all() -> impl Iterator<Item = (&'static str, &'static str)> {
    FAMILIES.into_iter().flatten().copied()
}

#[tokio::test]
async fn every_type_on_the_list_is_taken() {
    for (ending, mime_type) in all() {
        let bytes = sample(ending);
        for name in [format!("a.b.{ending}"), format!("A.{} ", ending.to_uppercase())] {
            assert_eq!(checked(&name, &bytes).await, Ok(mime_type), "{name}");
        }
    }
    let mut listed: Vec<String> = all().map(|(ending, _)| ending.to_uppercase()).collect();
    let mut told: Vec<String> = allowed().split(", ").map(str::to_owned).collect();
    listed.sort_unstable();
    told.sort_unstable();
    assert_eq!(told, listed);
}

#[tokio::test]
async fn a_wrong_name_does_within_a_family_and_nowhere_else() {
    let texts = ["txt", "log", "csv", "eml"];
    let zips = ["zip", "key", "keynote", "pages", "numbers", "docx", "xlsx", "pptx"];
    let containers = ["doc", "xls", "ppt"];
    for (content, _) in all() {
        let file = spooled(&sample(content)).await;
        for (ending, mime_type) in all() {
            let same = FAMILIES.iter().any(|family| {
                [content, ending].iter().all(|one| family.iter().any(|(member, _)| member == one))
            });
            // A text has no look of its own, and containers are not looked into.
            let text = texts.contains(&ending) && (texts.contains(&content) || content == "svg");
            let office = zips[5..].contains(&ending) || containers.contains(&ending);
            let zip = zips.contains(&content) && (zips.contains(&ending) || office);
            let container = containers.contains(&content) && office;
            let m4a = content == "m4a" && ["mp4", "m4v", "mov", "mpeg", "mpg"].contains(&ending);
            let film = ["mp4", "m4v", "mov"].contains(&content) && ["m4a", "wav", "mp3"].contains(&ending);
            let outcome = check(&format!("a.{ending}"), &file);
            let taken = same || text || zip || container || m4a || film;
            assert_eq!(outcome.is_ok(), taken, "{content} as {ending} ({mime_type}): {outcome:?}");
        }
    }
}

#[tokio::test]
async fn the_type_is_the_contents() {
    for (name, content, mime_type) in [
        ("a.jpg", "png", "image/png"),
        ("a.png", "heic", "image/heic"),
        ("a.m4a", "mp3", "audio/mpeg"),
        ("a.mp4", "mpg", "video/mpeg"),
        ("a.doc", "docx", WORD),
    ] {
        assert_eq!(checked(name, &sample(content)).await, Ok(mime_type), "{name}");
    }
}

#[tokio::test]
async fn a_program_is_refused_under_every_name() {
    for (program, bytes) in programs() {
        let file = spooled(&bytes).await;
        for (ending, _) in all() {
            let said = KINDS.iter().find(|kind| kind.ending.eq_ignore_ascii_case(ending)).unwrap().ending;
            let outcome = check(&format!("a.{ending}"), &file);
            assert_eq!(outcome, Err(UnfitType::Program { said }), "{program} as {ending}");
        }
    }
    let list = "TXT, LOG, CSV, EML, PNG, SVG, JPEG, JPG, GIF, HEIF, HEIC, AVIF, WAV, M4A, MP3, MP4, M4V, MOV, \
        MPEG, MPG, ZIP, PDF, DOC, DOCX, XLS, XLSX, PPT, PPTX, KEY, KEYNOTE, PAGES, NUMBERS";
    assert_eq!(
        checked("report.pdf", &programs()["Windows"]).await.unwrap_err().to_string(),
        format!("this file is a program, not PDF, whatever its name says; Ada accepts {list}")
    );
}

#[tokio::test]
async fn other_names_and_contents_are_refused_with_what_is_allowed() {
    for name in ["a.exe", "a.html", "a", "pdf", "", ".", "a.pdf.exe", "a.pdf.", "a.p\u{0}df", "a.webp"] {
        let error = checked(name, &sample("pdf")).await.unwrap_err();
        assert_eq!(error, UnfitType::Name, "{name}");
        assert!(error.to_string().starts_with("Ada does not accept files of this type; it accepts TXT, LOG"));
    }
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L";
    let told = checked("a.jpg", webp).await.unwrap_err().to_string();
    assert!(
        told.starts_with("the content of this file is not JPG (it looks like webp); Ada accepts TXT"),
        "{told}"
    );
    let told = checked("a.pdf", b"nothing in particular").await.unwrap_err().to_string();
    assert!(told.starts_with("the content of this file is not PDF; Ada accepts TXT"), "{told}");
    for (ending, _) in all().filter(|(ending, _)| !["txt", "log", "csv", "eml"].contains(ending)) {
        for bytes in [b"".as_slice(), b"<!DOCTYPE html><html><svg></svg></html>", b"\0", b"PK", b"\xff"] {
            let outcome = checked(&format!("a.{ending}"), bytes).await;
            assert!(matches!(outcome, Err(UnfitType::Content { .. })), "{ending}: {bytes:?}");
        }
    }
}

#[tokio::test]
async fn files_as_they_occur_are_taken() {
    let packets = |first: usize, length: usize| {
        let mut bytes = vec![0xff_u8; first + 4 * length];
        bytes.iter_mut().skip(first).step_by(length).for_each(|byte| *byte = 0x47);
        bytes
    };
    let utf_16: Vec<u8> = "\u{feff}Grüße".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let utf_16_svg: Vec<u8> = "\u{feff}<svg xmlns='x'/>".encode_utf16().flat_map(u16::to_be_bytes).collect();
    let container = sample("doc");
    let long_comment = format!("<?xml version='1.0'?><!--{}--><svg/>", "x".repeat(9_000));
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("a.txt", b"".to_vec(), "text/plain"),
        ("a.txt", utf_16, "text/plain"),
        ("a.txt", b"caf\xe9, in Latin 1\r\n\x1a".to_vec(), "text/plain"),
        ("a.csv", b"MZ;amount\r\n1;2\r\n".to_vec(), "text/csv"),
        ("a.txt", b"GIF89a is a format".to_vec(), "text/plain"),
        ("a.log", b"line\x0cnext page\x1b[0m\x08\x07".to_vec(), "text/plain"),
        ("a.svg", b"<svg/>".to_vec(), "image/svg+xml"),
        ("a.svg", b"\xef\xbb\xbf\n <svg:svg xmlns:svg='x'>".to_vec(), "image/svg+xml"),
        ("a.svg", b"<!DOCTYPE svg [<!ENTITY a \"<b>\">]><!-- <a> --><svg>".to_vec(), "image/svg+xml"),
        ("a.svg", utf_16_svg, "image/svg+xml"),
        ("a.svg", long_comment.into_bytes(), "image/svg+xml"),
        ("a.pdf", b"\x1b%-12345X@PJL\r\n%PDF-1.7".to_vec(), "application/pdf"),
        ("a.mp3", b"\xff\xfb\x90\x64\0\0".to_vec(), "audio/mpeg"),
        ("a.mp3", b"\0\0\0\xff\xf3\x48\xc4\0".to_vec(), "audio/mpeg"),
        ("a.wav", b"RF64\xff\xff\xff\xffWAVEds64".to_vec(), "audio/wav"),
        ("a.mpg", packets(0, 188), "video/mpeg"),
        ("a.mpg", packets(4, 192), "video/mpeg"),
        ("a.mpg", b"\0\0\x01\xb3\x16\0\xf0".to_vec(), "video/mpeg"),
        ("a.mov", b"\0\0\0\x08wide\0\0\x10\0mdat".to_vec(), "video/quicktime"),
        ("a.mp4", b"\0\0\0\x18ftypmp42\0\0\0\0mp42mif1".to_vec(), "video/mp4"),
        ("a.heif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf".to_vec(), "image/heif"),
        ("a.heic", b"\0\0\0\x18ftypmsf1\0\0\0\0msf1hevc".to_vec(), "image/heic"),
        ("a.avif", b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf".to_vec(), "image/avif"),
        ("a.zip", b"PK\x05\x06\0\0\0\0".to_vec(), "application/zip"),
        ("a.doc", br"{\rtf1\ansi Hello}".to_vec(), "application/msword"),
        ("a.xls", b"\x09\0\x04\0\x02\0\x10\0".to_vec(), "application/vnd.ms-excel"),
        // With a password.
        ("a.xlsx", container, EXCEL),
    ];
    for (name, bytes, mime_type) in cases {
        let outcome = checked(name, &bytes).await;
        assert_eq!(
            outcome,
            Ok(mime_type),
            "{name}: {:?}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(40)])
        );
    }
}

#[tokio::test]
async fn what_only_looks_alike_is_refused() {
    for (name, bytes) in [
        ("a.txt", b"text\0".as_slice()),
        ("a.txt", b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"),
        ("a.svg", b"<html><svg/></html>"),
        ("a.svg", b"<!--<svg/>--><html/>"),
        ("a.svg", b"<svgx/>"),
        ("a.svg", b"svg"),
        ("a.svg", b"\x1f\x8b\x08\0\0"),
        ("a.gif", b"GIF is a format"),
        ("a.mp3", b"\xff\xfe\xff\xff"),
        ("a.mp3", b"\xff\xff\xff\xff\xff"),
        ("a.mp4", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("a.png", b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"),
        ("a.mp4", b"\0\0\0\x18ftyp"),
        ("a.mpg", b"\0\0\x01\0"),
        ("a.mpg", b"G"),
        ("a.wav", b"RIFF\0\0\0\0AVI LIST"),
    ] {
        let outcome = checked(name, bytes).await;
        assert!(matches!(outcome, Err(UnfitType::Content { .. })), "{name} {bytes:?}: {outcome:?}");
    }
}
