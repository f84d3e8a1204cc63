//! Promise: `MIDGE_WORKERS` and `MIDGE_STRESS` are obeyed, and a value that cannot be obeyed is a
//! clear error of `build`, as are impossible settings of the builder.

mod common;

use common::{child_of, in_child, join, try_build, Mode, Runtime, Watchdog, MODES};
use midge::{task, BuildError};

/// In a child: builds in every mode and reports what came of it.
fn report_what_build_says() {
    for mode in MODES {
        match try_build(mode, &Runtime::builder()) {
            Ok(rt) => {
                println!("built with {} workers;", rt.workers());
                assert_eq!(rt.run(|| join(midge::spawn(|| 3))), 3);
            }
            Err(error) => println!("error: {error}; {error:?}"),
        }
    }
}

/// What three children, each building in all modes, print under these variables.
fn build_under(test: &str, workers: Option<&str>, stress: Option<&str>) -> String {
    let variables = [("MIDGE_WORKERS", workers), ("MIDGE_STRESS", stress)];
    let output = child_of(test, "build", &variables);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{:?}: {said}{complaint}", output.status);
    said
}

#[test]
fn a_number_of_workers_is_obeyed() {
    const NAME: &str = "a_number_of_workers_is_obeyed";
    if in_child().is_some() {
        report_what_build_says();
        let explicit = try_build(Mode::Copying, common::builder().workers(2)).expect("a runtime");
        println!("explicit: {};", explicit.workers());
        return;
    }
    for workers in ["1", "3", "16"] {
        let said = build_under(NAME, Some(workers), None);
        let wanted = format!("built with {workers} workers;");
        assert_eq!(said.matches(&wanted).count(), 3, "{said}");
        assert!(said.contains("explicit: 2;"), "what the program says wins: {said}");
    }
    let expected = std::thread::available_parallelism().map_or(1, |count| count.get());
    let said = build_under(NAME, None, None);
    assert!(said.contains(&format!("built with {expected} workers;")), "{said}");
}

#[test]
fn an_invalid_number_of_workers_is_a_clear_error() {
    const NAME: &str = "an_invalid_number_of_workers_is_a_clear_error";
    if in_child().is_some() {
        return report_what_build_says();
    }
    for value in ["0", "-1", "abc", "2.5", "99999999999999999999999"] {
        let said = build_under(NAME, Some(value), None);
        assert_eq!(said.matches("error: ").count(), 3, "{value}: {said}");
        assert!(said.contains("MIDGE_WORKERS") && said.contains(value), "{value}: {said}");
    }
}

#[test]
fn a_stress_seed_is_obeyed() {
    const NAME: &str = "a_stress_seed_is_obeyed";
    if in_child().is_some() {
        for mode in MODES {
            let rt = try_build(mode, common::builder().workers(1)).expect("a runtime");
            rt.run(|| {
                let handles: Vec<_> = (0..4).map(|_| midge::spawn(task::yield_now)).collect();
                handles.into_iter().for_each(join);
            });
            println!("{mode:?}: {};", rt.metrics().freezes);
        }
        return;
    }
    // Four tasks have a window each, so nothing is ever copied but under stress.
    let said = build_under(NAME, None, None);
    assert!(said.contains("Copying: 0;") && said.contains("Migrating: 0;"), "{said}");
    for seed in ["0", "1", "18446744073709551615"] {
        let said = build_under(NAME, None, Some(seed));
        assert!(said.contains("Pinned: 0;"), "{said}");
        assert!(!said.contains("Copying: 0;") && !said.contains("Migrating: 0;"), "{said}");
    }
}

#[test]
fn an_invalid_stress_seed_is_a_clear_error() {
    const NAME: &str = "an_invalid_stress_seed_is_a_clear_error";
    if in_child().is_some() {
        return report_what_build_says();
    }
    for value in ["yes", "-1", "1.5", "18446744073709551616"] {
        let said = build_under(NAME, None, Some(value));
        assert_eq!(said.matches("error: ").count(), 3, "{value}: {said}");
        assert!(said.contains("MIDGE_STRESS") && said.contains(value), "{value}: {said}");
    }
}

fn error_of(mode: Mode, builder: &midge::Builder) -> BuildError {
    match try_build(mode, builder) {
        Ok(_) => panic!("a runtime was built from impossible settings"),
        Err(error) => error,
    }
}

#[test]
fn impossible_settings_are_clear_errors() {
    let _watchdog = Watchdog::new("impossible settings".into());
    for mode in MODES {
        let error = error_of(mode, Runtime::builder().workers(0));
        assert!(matches!(error, BuildError::ZeroWorkers), "{error:?}");
        assert!(error.to_string().contains("worker"), "{error}");
        for bytes in [0, usize::MAX] {
            let error = error_of(mode, Runtime::builder().workers(1).max_stack(bytes));
            assert!(matches!(error, BuildError::MaxStack { .. }), "{error:?}");
            assert!(error.to_string().contains("stack"), "{error}");
        }
        let error: Box<dyn std::error::Error + Send + Sync> =
            error_of(mode, Runtime::builder().workers(0)).into();
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn an_explicit_seed_stresses() {
    for mode in [Mode::Copying, Mode::Migrating] {
        let rt = try_build(mode, common::builder().workers(2).stress(5)).expect("a runtime");
        rt.run(|| {
            let handles: Vec<_> = (0..10).map(|_| midge::spawn(task::yield_now)).collect();
            handles.into_iter().for_each(join);
        });
        let metrics = rt.metrics();
        assert!(metrics.freezes >= 10 && metrics.thaws >= 10, "{metrics:?}");
        assert!(metrics.bytes_frozen >= metrics.freezes, "{metrics:?}");
    }
}
