//! What customers are told while they wait, and when an agent accepts.

use std::time::Duration;

use super::{parse, reader::Reader};
use crate::relay::waiting_room::{Banner, WaitingRoom, WaitingText};

/// Reads it.
pub(super) fn read(r: &mut Reader) -> WaitingRoom {
    let accept_text = r.or("ACCEPT_TEXT", None, parse::text_or_off);
    let text = r.or("WAITING_TEXT", None, parse::text_or_off);
    let after = r.or("WAITING_TEXT_AFTER", Duration::ZERO, parse::wait);
    let banner = r.or("QUEUE_BANNER", Banner::Off, banner);
    if text.is_some() && banner != Banner::Off {
        r.problem("QUEUE_BANNER", together("QUEUE_BANNER", "WAITING_TEXT"));
    }
    let texts = text.map(|text| WaitingText { after, text }).into_iter().collect();
    WaitingRoom { accept_text, banner, texts }
}

/// What the banner shows.
pub(super) fn banner(text: &str) -> parse::Parsed<Banner> {
    match text {
        "position" => Ok(Banner::Position),
        "time" => Ok(Banner::Time),
        "off" => Ok(Banner::Off),
        _ => Err("must be position, time or off".to_owned()),
    }
}

/// Why these two settings can't be used together.
pub(super) fn together(banner: &str, texts: &str) -> String {
    format!("{banner} can't be used with {texts}: Ada takes the banner away when a text is sent")
}
