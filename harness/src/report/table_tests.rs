//! What a person reads at the end of a run, and that no width or colour changes it.

use super::*;
use crate::report::sample;

fn shown(run: &Run, width: usize, colour: bool) -> String {
    let view = View {
        width,
        colour,
        report_html: Path::new("/home/me/.local/state/meshproof/runs/latest/report.html"),
        report_json: Path::new("/home/me/.local/state/meshproof/runs/latest/report.json"),
        junit_xml: Path::new("/home/me/.local/state/meshproof/runs/latest/junit.xml"),
        next: "meshproof run C6 --keep",
    };
    render(run, &view)
}

#[test]
fn a_green_run_reads_so() {
    insta::assert_snapshot!(shown(&sample::green(), DEFAULT_WIDTH, false));
}

#[test]
fn a_run_with_news_reads_so() {
    insta::assert_snapshot!(shown(&sample::news(), DEFAULT_WIDTH, false));
}

#[test]
fn a_run_without_scenarios_reads_so() {
    insta::assert_snapshot!(shown(&sample::nothing(), DEFAULT_WIDTH, false));
}

#[test]
fn cases_that_were_repeated_read_so() {
    insta::assert_snapshot!(shown(&sample::repeated(), DEFAULT_WIDTH, false));
}

#[test]
fn a_narrow_terminal_loses_no_word() {
    let run = sample::news();
    let text = shown(&run, 60, false);
    let table: Vec<&str> = text.lines().take_while(|l| !l.is_empty()).collect();
    assert!(table.iter().all(|l| l.chars().count() <= 60), "{text}");
    for outcome in &run.outcomes {
        for word in outcome
            .decided_by
            .split_whitespace()
            .chain(outcome.title.split(' '))
        {
            assert!(text.contains(word), "`{word}` is lost in:\n{text}");
        }
    }
}

#[test]
fn colours_change_nothing_but_colour() {
    let run = sample::news();
    let coloured = shown(&run, DEFAULT_WIDTH, true);
    assert!(coloured.contains("\x1b[31mDiffers"), "{coloured}");
    let plain = ["\x1b[0m", "\x1b[1m", "\x1b[31m", "\x1b[32m", "\x1b[33m"]
        .iter()
        .fold(coloured, |text, code| text.replace(code, ""));
    assert_eq!(plain, shown(&run, DEFAULT_WIDTH, false));
}

#[test]
fn a_released_istio_is_not_called_self_built() {
    let mut run = sample::green();
    let mesh = run.mesh.as_mut().expect("a mesh");
    mesh.build = "1.29.1".into();
    mesh.istio_filters = true;
    let text = shown(&run, DEFAULT_WIDTH, false);
    assert!(
        !text.contains("built here") && !text.contains("they lack"),
        "{text}"
    );
}

#[test]
fn leftovers_spoil_an_expected_result() {
    let mut run = sample::green();
    run.left_behind
        .push("namespace ignite: still terminating after 60 s".into());
    let text = shown(&run, DEFAULT_WIDTH, false);
    assert!(
        text.contains("as on record, but not all was cleaned up"),
        "{text}"
    );
    assert!(
        text.contains("Left      namespace ignite: still terminating"),
        "{text}"
    );
}
