//! What callers saw.

use std::time::Instant;

/// Counts and latencies of what was answered within a time.
pub struct Figures {
    begins: Instant,
    ends: Instant,
    reports: usize,
    report_us: Vec<u32>,
    ask_us: Vec<u32>,
}

impl Figures {
    /// Nothing yet; from `begins` to `ends` it counts.
    pub fn new(begins: Instant, ends: Instant) -> Self {
        Self { begins, ends, reports: 0, report_us: Vec::new(), ask_us: Vec::new() }
    }

    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.ends
    }

    /// A message with so many reports, sent at `began`, is answered now.
    pub fn reported(&mut self, began: Instant, reports: usize) {
        if let Some(us) = self.counted(began) {
            self.reports += reports;
            self.report_us.push(us);
        }
    }

    /// A question for a trial, sent at `began`, is answered now.
    pub fn asked(&mut self, began: Instant) {
        if let Some(us) = self.counted(began) {
            self.ask_us.push(us);
        }
    }

    pub fn add(&mut self, other: Self) {
        self.reports += other.reports;
        self.report_us.extend(other.report_us);
        self.ask_us.extend(other.ask_us);
    }

    /// One line of JSON; `cpu`: seconds of the processor that this program itself took.
    pub fn json(mut self, cpu: f64) -> serde_json::Value {
        let seconds = (self.ends - self.begins).as_secs_f64();
        self.report_us.sort_unstable();
        self.ask_us.sort_unstable();
        serde_json::json!({
            "reports_per_second": self.reports as f64 / seconds,
            "asks_per_second": self.ask_us.len() as f64 / seconds,
            "report_us": quantiles(&self.report_us),
            "ask_us": quantiles(&self.ask_us),
            "load_cpu": cpu / seconds,
        })
    }

    fn counted(&self, began: Instant) -> Option<u32> {
        let now = Instant::now();
        let us = (now - began).as_micros();
        (self.begins <= now && now < self.ends).then(|| u32::try_from(us).unwrap_or(u32::MAX))
    }
}

fn quantiles(sorted: &[u32]) -> serde_json::Value {
    let at = |share: f64| {
        let index = (share * sorted.len() as f64) as usize;
        sorted.get(index.min(sorted.len().saturating_sub(1)))
    };
    serde_json::json!({"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": sorted.last()})
}

/// Seconds of the processor that this process took so far.
pub fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
