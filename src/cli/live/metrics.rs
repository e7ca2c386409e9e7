//! Metrics over HTTP, by a thread of their own.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::Context;

use crate::sink::metrics::Metrics;

/// How often the numbers are made anew.
const EVERY: Duration = Duration::from_secs(1);

/// The server.
pub(super) struct Served {
    text: Arc<Mutex<String>>,
    updated: Instant,
    pub started: u64,
}

impl Served {
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
        let server = tiny_http::Server::from_listener(listener, None)
            .map_err(|e| anyhow::anyhow!("metrics: {e}"))?;
        let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let first = Metrics { started, ..Metrics::default() }.text();
        let text = Arc::new(Mutex::new(first));
        let served = Arc::clone(&text);
        std::thread::Builder::new().name("metrics".to_owned()).spawn(move || {
            for request in server.incoming_requests() {
                let known = matches!(request.url(), "/metrics" | "/");
                let body = served.lock().map(|text| text.clone()).unwrap_or_default();
                let kind = &b"text/plain; version=0.0.4; charset=utf-8"[..];
                let (body, status) = match known {
                    true => (body, 200),
                    false => ("metrics are at /metrics\n".to_owned(), 404),
                };
                let mut response = tiny_http::Response::from_string(body).with_status_code(status);
                if let Ok(header) = tiny_http::Header::from_bytes(&b"Content-Type"[..], kind) {
                    response = response.with_header(header);
                }
                // A client that has gone needs no answer.
                let _ = request.respond(response);
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
