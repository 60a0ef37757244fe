//! The part of a plan that a scheduler's task is to do: of a Slurm array, or of a Kubernetes Indexed Job.

use std::fmt;

use crate::store::Shard;

/// A task, and the shard that is its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Task {
    pub shard: Shard,
    /// The variable that says so, with its value.
    source: String,
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shard { index, count } = self.shard;
        write!(
            f,
            "Asking shard {index}/{count} of the plan, by {}. For the whole plan in each task, give --shard 1/1.",
            self.source
        )
    }
}

/// The shard that the environment names, if it is that of a scheduler's task.
///
/// # Errors
/// In words, where it is a task's and does not say of how many.
pub(super) fn shard(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Task>, String> {
    if variable("SLURM_ARRAY_TASK_ID").is_some() {
        slurm(&variable).map(Some)
    } else if variable("JOB_COMPLETION_INDEX").is_some() {
        kubernetes(&variable).map(Some)
    } else {
        Ok(None)
    }
}

fn number(variable: impl Fn(&str) -> Option<String>, name: &str) -> Result<Option<u64>, String> {
    let Some(text) = variable(name).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let number = text.trim().parse();
    number
        .map(Some)
        .map_err(|_| format!("{name} is '{text}', not a number; name the shard with --shard I/N"))
}

/// A task's place among the ids of its array, whatever they begin with and however far apart they are.
fn slurm(variable: &dyn Fn(&str) -> Option<String>) -> Result<Task, String> {
    let read = |name: &str| number(variable, name);
    let id = read("SLURM_ARRAY_TASK_ID")?.unwrap_or_default();
    let first = read("SLURM_ARRAY_TASK_MIN")?;
    let step = read("SLURM_ARRAY_TASK_STEP")?.unwrap_or(1).max(1);
    let spread = |last: u64| last.checked_sub(first.unwrap_or(1)).map(|d| d / step + 1);
    let last = read("SLURM_ARRAY_TASK_MAX")?;
    let count = read("SLURM_ARRAY_TASK_COUNT")?.or(last.and_then(spread));
    let Some(count) = count.filter(|count| *count > 0) else {
        return Err(
            "SLURM_ARRAY_TASK_ID is set, and SLURM_ARRAY_TASK_COUNT is not; name the shard with --shard I/N".into(),
        );
    };
    let evenly = last.and_then(spread).is_none_or(|tasks| tasks == count);
    let offset = id.checked_sub(first.unwrap_or(1));
    let offset = offset.filter(|offset| evenly && offset % step == 0 && offset / step < count);
    // One task of an array that is asked again has a count of 1, and would ask the whole plan.
    let again = count == 1 && id > 1;
    match offset {
        Some(offset) if !again => Ok(Task {
            shard: Shard {
                index: offset / step + 1,
                count,
            },
            source: format!("SLURM_ARRAY_TASK_ID={id} (of {count} tasks)"),
        }),
        _ => Err(format!(
            "the Slurm array's ids do not say which part of the plan task {id} is: the array is not 1 to N or 0 to N-1 in even steps, or only a part of one. \
             Name it with --shard I/N, in a script for instance --shard \"$SLURM_ARRAY_TASK_ID/4\""
        )),
    }
}

/// A pod's index, from 0, and the job's completions, which Kubernetes itself does not put into the environment.
fn kubernetes(variable: &dyn Fn(&str) -> Option<String>) -> Result<Task, String> {
    let index = number(variable, "JOB_COMPLETION_INDEX")?.unwrap_or_default();
    match number(variable, "JOB_COMPLETIONS")? {
        Some(count) if index < count => Ok(Task {
            shard: Shard {
                index: index + 1,
                count,
            },
            source: format!("JOB_COMPLETION_INDEX={index} (from 0) of JOB_COMPLETIONS={count}"),
        }),
        Some(count) => Err(format!(
            "JOB_COMPLETION_INDEX is {index} and JOB_COMPLETIONS is {count}: indices go from 0 to JOB_COMPLETIONS - 1. Set JOB_COMPLETIONS to the job's .spec.completions"
        )),
        None => Err(
            "JOB_COMPLETION_INDEX is set, and JOB_COMPLETIONS is not: set it to the job's .spec.completions (candor init --kubernetes does), or name the shard with --shard I/N".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Option<(u64, u64)>, String> {
        let value = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        shard(value).map(|task| task.map(|t| (t.shard.index, t.shard.count)))
    }

    fn array(
        id: &str,
        min: &str,
        max: &str,
        step: &str,
        count: &str,
    ) -> Result<(u64, u64), String> {
        let variables = [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_MIN", min),
            ("SLURM_ARRAY_TASK_MAX", max),
            ("SLURM_ARRAY_TASK_STEP", step),
            ("SLURM_ARRAY_TASK_COUNT", count),
        ];
        of(&variables).map(|shard| shard.expect("a task"))
    }

    #[test]
    fn a_task_of_an_array_has_its_place_among_the_ids() {
        assert_eq!(array("1", "1", "4", "1", "4"), Ok((1, 4)));
        assert_eq!(array("4", "1", "4", "1", "4"), Ok((4, 4)));
        assert_eq!(array("0", "0", "3", "1", "4"), Ok((1, 4)));
        assert_eq!(array("3", "0", "3", "1", "4"), Ok((4, 4)));
        assert_eq!(array("20", "10", "30", "10", "3"), Ok((2, 3)));
        assert_eq!(array("0", "0", "0", "1", "1"), Ok((1, 1)));
        let short = [
            ("SLURM_ARRAY_TASK_ID", "2"),
            ("SLURM_ARRAY_TASK_COUNT", "4"),
        ];
        assert_eq!(of(&short), Ok(Some((2, 4))));
    }

    #[test]
    fn ids_that_do_not_tell_a_place_are_refused() {
        // --array=1,3,7; --array=3 to ask one task again; no count.
        assert!(array("7", "1", "7", "1", "3").is_err());
        assert!(
            array("3", "3", "3", "1", "1")
                .unwrap_err()
                .contains("--shard")
        );
        assert!(of(&[("SLURM_ARRAY_TASK_ID", "2")]).is_err());
        assert!(
            array("x", "1", "4", "1", "4")
                .unwrap_err()
                .contains("not a number")
        );
    }

    #[test]
    fn a_pod_of_an_indexed_job_counts_from_zero() {
        let pod = |index, count| of(&[("JOB_COMPLETION_INDEX", index), ("JOB_COMPLETIONS", count)]);
        assert_eq!(pod("0", "4"), Ok(Some((1, 4))));
        assert_eq!(pod("3", "4"), Ok(Some((4, 4))));
        assert!(pod("4", "4").is_err());
        let alone = of(&[("JOB_COMPLETION_INDEX", "0")]).unwrap_err();
        assert!(alone.contains("JOB_COMPLETIONS"), "{alone}");
        assert_eq!(of(&[]), Ok(None));
    }
}
