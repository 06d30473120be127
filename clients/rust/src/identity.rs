//! Who this worker is: a name that survives a restart where the platform gives one.

use std::collections::BTreeMap;
use std::env;
#[cfg(unix)]
use std::path::PathBuf;
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

/// A worker's name, had by no other worker of this machine for as long as it is held.
///
/// Two loops under one name would take the trial out of each other's hands for ever: to the server
/// they are one worker. A restarted process gets the same name again.
pub(crate) struct ClaimedName(String);

/// The names of this process, each with what keeps other processes from it.
static CLAIMS: Mutex<BTreeMap<String, Option<NameLock>>> = Mutex::new(BTreeMap::new());

impl ClaimedName {
    /// Claims the platform's name, with a number after it if another worker has it now.
    pub(crate) fn claim() -> Self {
        Self::claim_name(&default_worker_id(|name| env::var(name).unwrap_or_default()))
    }

    fn claim_name(name: &str) -> Self {
        let mut claims = CLAIMS.lock().unwrap_or_else(PoisonError::into_inner);
        let mut unique = name.to_owned();
        for number in 2.. {
            if !claims.contains_key(&unique)
                && let Claim::Had(lock) = lock(&unique)
            {
                claims.insert(unique.clone(), lock);
                break;
            }
            let suffix = format!("-{number}");
            unique = format!("{}{suffix}", &name[..name.len().min(MAX_BYTES - suffix.len())]);
        }
        Self(unique)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ClaimedName {
    fn drop(&mut self) {
        CLAIMS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// What came of the claim of a name.
enum Claim {
    /// It is this process's; without a lock where there is no place for one.
    Had(Option<NameLock>),
    /// Another process has it.
    Taken,
}

/// The lock of a file, which ends with the process at the latest.
#[cfg(unix)]
type NameLock = rustix::fd::OwnedFd;

#[cfg(unix)]
fn lock(name: &str) -> Claim {
    use rustix::fs::{FlockOperation, Mode, OFlags, flock, open};
    use rustix::io::Errno;

    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(file) = open(lock_path(name), flags, Mode::RUSR | Mode::WUSR) else {
        return Claim::Had(None);
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Claim::Had(Some(file)),
        Err(Errno::WOULDBLOCK) => Claim::Taken,
        Err(_) => Claim::Had(None),
    }
}

/// The file for a name; the clients of other languages lock the same one.
#[cfg(unix)]
fn lock_path(name: &str) -> PathBuf {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    let digest: String = digest.as_ref()[..12].iter().map(|byte| format!("{byte:02x}")).collect();
    let user = rustix::process::getuid();
    env::temp_dir().join(format!("asha-worker-{user}-{digest}.lock"))
}

/// Without such locks a name is unique in its process only.
#[cfg(not(unix))]
type NameLock = std::convert::Infallible;

#[cfg(not(unix))]
fn lock(_: &str) -> Claim {
    Claim::Had(None)
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
    fn two_loops_of_a_process_do_not_share_a_name() {
        let name = format!("rust-loops-{}", std::process::id());
        let (first, second) = (ClaimedName::claim_name(&name), ClaimedName::claim_name(&name));
        assert_eq!((first.as_str(), second.as_str()), (&*name, &*format!("{name}-2")));

        drop(first);
        assert_eq!(ClaimedName::claim_name(&name).as_str(), name);
    }

    #[test]
    fn a_long_name_has_room_for_its_number() {
        let name = format!("{:0>128}", std::process::id());
        let (_first, second) = (ClaimedName::claim_name(&name), ClaimedName::claim_name(&name));
        assert_eq!(second.as_str(), format!("{}-2", &name[..126]));
    }

    /// The lock is held through another descriptor, as by another process or another language.
    #[cfg(unix)]
    #[test]
    fn a_name_that_another_process_has_is_left_to_it_and_taken_again() {
        let name = format!("rust-process-{}", std::process::id());
        let Claim::Had(Some(other)) = lock(&name) else { panic!("{name} is free") };
        assert_eq!(ClaimedName::claim_name(&name).as_str(), format!("{name}-2"));

        drop(other);
        assert_eq!(ClaimedName::claim_name(&name).as_str(), name);
    }

    #[cfg(unix)]
    #[test]
    fn the_file_of_a_name_is_that_of_the_other_languages() {
        let user = rustix::process::getuid();
        let name = lock_path("slurm-41-0-0").file_name().unwrap().to_owned();
        // Python's hashlib.sha256(b"slurm-41-0-0").hexdigest()[:24].
        assert_eq!(*name, *format!("asha-worker-{user}-e5280745cef58415cb2b6958.lock"));
    }

    #[test]
    fn a_name_is_cut_to_what_the_server_takes() {
        let long = "x".repeat(300);
        assert_eq!(worker_id(&[("SLURM_JOB_ID", &long)]).len(), 128);
    }
}
