//! Who this worker is: a name that survives a restart where the platform gives one.

use std::env;
use std::sync::{LazyLock, Mutex, PoisonError};

const MAX_BYTES: usize = 128;

/// This process's random name, another one in every process.
pub(crate) fn incarnation_id() -> &'static str {
    static ID: LazyLock<String> = LazyLock::new(random_id);
    &ID
}

/// 128 random bits, as text.
pub(crate) fn random_id() -> String {
    format!("{:032x}", fastrand::u128(..))
}

/// The worker's name as the platform gives it.
///
/// Slurm: job and task. Kubernetes: pod, container and device. Elsewhere: host, device and a random
/// part. The first two name the same worker again after a restart, so that it resumes its own trial
/// at once. `variable` looks an environment variable up; one that is not set is empty.
fn default_worker_id(variable: impl Fn(&str) -> String) -> String {
    let host = || {
        hostname::get().map_or_else(|_| "host".into(), |name| name.to_string_lossy().into_owned())
    };
    let labelled = |prefix: &str, value: String| {
        if value.is_empty() { value } else { format!("{prefix}{value}") }
    };
    let or =
        |value: String, default: &str| if value.is_empty() { default.to_owned() } else { value };
    let (job, array_job, task) =
        (variable("SLURM_JOB_ID"), variable("SLURM_ARRAY_JOB_ID"), variable("SLURM_ARRAY_TASK_ID"));
    let parts = if !job.is_empty() {
        let is_array = !array_job.is_empty() && !task.is_empty();
        let job = if is_array { format!("{array_job}_{task}") } else { job };
        vec![
            "slurm".into(),
            job,
            or(variable("SLURM_STEP_ID"), "0"),
            or(variable("SLURM_PROCID"), "0"),
        ]
    } else if !variable("KUBERNETES_SERVICE_HOST").is_empty() {
        let pod = or(variable("POD_NAME"), &or(variable("HOSTNAME"), &host()));
        let device = labelled("cuda", variable("CUDA_VISIBLE_DEVICES"));
        vec!["pod".into(), pod, variable("CONTAINER_NAME"), device, variable("LOCAL_RANK")]
    } else {
        let device = labelled("cuda", variable("CUDA_VISIBLE_DEVICES"));
        vec![host(), device, format!("{:08x}", fastrand::u32(..))]
    };
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    printable(&parts.join("-"))
}

/// The name in at most 128 printable ASCII characters.
fn printable(name: &str) -> String {
    let replace = |c: char| if c.is_ascii_graphic() { c } else { '_' };
    name.chars().map(replace).take(MAX_BYTES).collect()
}

/// The platform's name, made unique in this process, for as long as it is held.
///
/// Two loops under one name would train the same trial: to the server they are one worker.
pub(crate) struct ClaimedName(String);

static CLAIMED: Mutex<Vec<String>> = Mutex::new(Vec::new());

impl ClaimedName {
    /// Claims the platform's name, with a number after it if another loop has it.
    pub(crate) fn claim() -> Self {
        let name = default_worker_id(|name| env::var(name).unwrap_or_default());
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unique = name.clone();
        let mut number = 1;
        while claimed.contains(&unique) {
            number += 1;
            let suffix = format!("-{number}");
            unique = format!("{}{suffix}", &name[..name.len().min(MAX_BYTES - suffix.len())]);
        }
        claimed.push(unique.clone());
        Self(unique)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ClaimedName {
    fn drop(&mut self) {
        let mut claimed = CLAIMED.lock().unwrap_or_else(PoisonError::into_inner);
        claimed.retain(|name| *name != self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker_id(variables: &[(&str, &str)]) -> String {
        default_worker_id(|name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map_or_else(String::new, |(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn slurm_names_job_step_and_task() {
        assert_eq!(worker_id(&[("SLURM_JOB_ID", "41"), ("SLURM_PROCID", "3")]), "slurm-41-0-3");
        let array = [
            ("SLURM_JOB_ID", "42"),
            ("SLURM_ARRAY_JOB_ID", "40"),
            ("SLURM_ARRAY_TASK_ID", "2"),
            ("SLURM_STEP_ID", "1"),
        ];
        assert_eq!(worker_id(&array), "slurm-40_2-1-0");
    }

    #[test]
    fn kubernetes_names_pod_container_and_device() {
        let pod = [
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("POD_NAME", "train 0"),
            ("CONTAINER_NAME", "main"),
            ("CUDA_VISIBLE_DEVICES", "1"),
        ];
        assert_eq!(worker_id(&pod), "pod-train_0-main-cuda1");
    }

    #[test]
    fn elsewhere_a_random_part_tells_workers_apart() {
        assert_ne!(worker_id(&[]), worker_id(&[]));
        assert!(worker_id(&[("CUDA_VISIBLE_DEVICES", "7")]).contains("-cuda7-"));
    }

    #[test]
    fn a_name_is_cut_to_what_the_server_takes() {
        let long = "x".repeat(300);
        assert_eq!(worker_id(&[("SLURM_JOB_ID", &long)]).len(), 128);
    }
}
