use super::*;
use crate::capture::AtomicFile;
use std::fs::read_dir;

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_a_killed_program_left_is_swept_and_what_a_living_one_has_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let part = |name: &str| dir.path().join(format!(".macvlab-{name}.part"));
    for name in ["dead", "living"] {
        std::fs::create_dir(part(name)).unwrap();
        std::fs::write(part(name).join("0"), "half").unwrap();
    }
    std::fs::write(part("file"), "half").unwrap();
    std::fs::write(dir.path().join(".macvlab-mine"), "no part").unwrap();
    let lock = File::open(part("living")).unwrap();
    lock.lock().unwrap();
    let mut file = AtomicFile::create(&dir.path().join("whole")).unwrap();
    file.write_all(b"whole").unwrap();
    file.commit().unwrap();
    assert_eq!(entries(dir.path()), [".macvlab-living.part", ".macvlab-mine", "whole"]);
}

#[test]
fn a_link_to_a_folder_is_no_leftover() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(other.path().join("precious"), "").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(other.path(), dir.path().join(".macvlab-x.part")).unwrap();
    AtomicFile::create(&dir.path().join("whole")).unwrap().commit().unwrap();
    assert_eq!(entries(other.path()), ["precious"]);
}

#[test]
fn a_file_that_is_kept_can_be_opened_again_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("out");
    for (round, committed) in [(0, true), (1, false), (2, true)] {
        let (mut place, mut file) = Destination::take(&path).unwrap();
        file.write_all(b"one").unwrap();
        place.keep(&file).unwrap();
        drop(file);
        place.open().unwrap().write_all(format!("{round}").as_bytes()).unwrap();
        if committed {
            place.commit(None).unwrap();
        } else {
            drop(place);
        }
        assert_eq!(entries(dir.path()), ["out"]);
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "one2");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_has_no_name_before_it_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let mut file = AtomicFile::create(&dir.path().join("out")).unwrap();
    file.write_all(b"half").unwrap();
    file.flush().unwrap();
    assert!(entries(dir.path()).is_empty());
    file.commit().unwrap();
    assert_eq!(entries(dir.path()), ["out"]);
}
