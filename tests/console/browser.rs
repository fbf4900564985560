//! What a desk is in: Chromium, or in one story Firefox.

use serde_json::Value;
use thirtyfour::WebDriver;

use crate::{chromium::Chromium, firefox::Firefox};

pub enum Browser {
    Chromium(Chromium),
    Firefox(Firefox),
}

impl Browser {
    pub const fn driver(&self) -> &WebDriver {
        match self {
            Self::Chromium(chromium) => &chromium.driver,
            Self::Firefox(firefox) => &firefox.driver,
        }
    }

    /// Warnings and errors since the last look, those of the security policy included.
    pub async fn complaints(&self) -> Vec<String> {
        match self {
            Self::Chromium(chromium) => {
                let log = chromium.log("browser").await.into_iter();
                let bad = log.filter(|entry| matches!(&*entry.level, "WARNING" | "SEVERE"));
                bad.map(|entry| entry.message).collect()
            }
            Self::Firefox(firefox) => firefox.complaints(),
        }
    }

    /// What the network did since the last look, in Chromium's own words. Firefox says nothing.
    pub async fn network(&self) -> Vec<Value> {
        match self {
            Self::Chromium(chromium) => {
                let log = chromium.log("performance").await.into_iter();
                log.map(|entry| serde_json::from_str::<Value>(&entry.message).unwrap()["message"].take())
                    .collect()
            }
            Self::Firefox(_) => Vec::new(),
        }
    }

    pub async fn close(self) {
        match self {
            Self::Chromium(chromium) => chromium.close().await,
            Self::Firefox(firefox) => firefox.close().await,
        }
    }
}
