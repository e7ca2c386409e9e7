//! Metrics over HTTP, by a thread of their own.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use super::http::{self, Answer};
use crate::sink::metrics::Metrics;

/// How often the numbers are made anew.
const EVERY: Duration = Duration::from_secs(1);

/// The server.
pub(super) struct MetricsServer {
    text: Arc<Mutex<String>>,
    updated: Instant,
    pub started: u64,
}

impl MetricsServer {
    /// Listens at an address.
    ///
    /// # Errors
    /// If it cannot be had.
    pub fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
        TcpListener::bind(address).with_context(|| format!("metrics at {address}"))
    }

    /// Answers who connects.
    ///
    /// # Errors
    /// If no thread can be started for it.
    pub fn start(listener: TcpListener) -> anyhow::Result<Self> {
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let first = Metrics { started, ..Metrics::default() }.text();
        let text = Arc::new(Mutex::new(first));
        let served = Arc::clone(&text);
        let answer = move |path: &str| match path {
            "/metrics" | "/" => Answer {
                status: "200 OK",
                body: served.lock().map(|text| text.clone()).unwrap_or_default(),
            },
            _ => Answer { status: "404 Not Found", body: "metrics are at /metrics\n".to_owned() },
        };
        std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            if let Err(error) = http::serve(&listener, answer) {
                tracing::error!("metrics are not served: {error}");
            }
        })?;
        Ok(Self { text, updated: Instant::now(), started })
    }

    /// Whether the numbers are old.
    pub fn is_due(&self) -> bool {
        self.updated.elapsed() >= EVERY
    }

    /// Takes new numbers.
    pub fn update(&mut self, metrics: &Metrics) {
        self.updated = Instant::now();
        if let Ok(mut text) = self.text.lock() {
            *text = metrics.text();
        }
    }
}
