//! What users with permission to run `live` as root can do: attach interfaces, and nothing else.

use crate::net::{Live, Net, can_run, until};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A user without any privileges.
const NOBODY: u32 = 65_534;

/// Creates a folder owned by this user.
fn give(path: &Path) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
}

/// A user's folder inside a folder of root's.
struct Folder {
    dir: TempDir,
    theirs: PathBuf,
}

const SECRET: &str = "the secret of root";

impl Folder {
    fn new() -> Folder {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o755)).unwrap();
        let theirs = dir.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        give(&theirs);
        let folder = Folder { dir, theirs };
        std::fs::write(folder.victim(), SECRET).unwrap();
        std::fs::set_permissions(folder.victim(), PermissionsExt::from_mode(0o600)).unwrap();
        folder
    }

    /// A file owned by root.
    fn victim(&self) -> PathBuf {
        self.dir.path().join("victim")
    }

    fn is_untouched(&self) {
        let meta = std::fs::metadata(self.victim()).unwrap();
        assert_eq!((meta.uid(), meta.mode() & 0o777), (0, 0o600));
        assert_eq!(std::fs::read_to_string(self.victim()).unwrap(), SECRET);
    }

    /// `macvlab` in the user's folder, started by sudo.
    fn by_sudo(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_macvlab"));
        let nobody = NOBODY.to_string();
        command.args(args).env("SUDO_UID", &nobody).env("SUDO_GID", &nobody).current_dir(&self.theirs);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// Checks that it is refused with a message; returns the message.
fn refused(out: &Output) -> String {
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(!said.contains("secret"), "{said}");
    said
}

#[test]
fn privileges_are_given_up() {
    if !can_run(&["ip"]) {
        return;
    }
    let net = Net::new(&["lab"]);
    give(net.dir.path());
    let lab = "[nic.eth0]\n[macvlan.c1]\nparent = \"eth0\"\n[station.a]\n[station.b]\n";
    let more = ["--attach", "a=unix:a.sock", "--attach", "b=pcap:,b.pcap"];
    let args = [&["--attach", "c1=tap:t1", "--pcap", "all.pcapng", "--user", "nobody"][..], &more].concat();
    let live = net.live("lab", lab, &args);
    let status = std::fs::read_to_string(format!("/proc/{}/status", live.pid())).unwrap();
    let value = |key: &str| {
        let line = status.lines().find(|l| l.starts_with(key)).unwrap();
        line.split_whitespace().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    for set in ["CapInh:", "CapPrm:", "CapEff:"] {
        assert_eq!(value(set), ["0000000000000000"], "{set}");
    }
    assert!(["Uid:", "Gid:"].iter().all(|key| value(key).iter().all(|id| id != "0")), "{status}");
    assert!(!value("Groups:").contains(&"0".to_owned()), "{status}");
    assert_eq!(value("NoNewPrivs:"), ["1"]);
    assert!(live.ctl("show").0);
    // The created device belongs to that user, whose programs are to use it.
    for name in ["control.sock", "a.sock", "b.pcap", "all.pcapng"] {
        let owner = std::fs::metadata(net.dir.path().join(name)).unwrap().uid();
        assert_eq!(owner.to_string(), value("Uid:")[0], "{name}");
    }
    live.end("-TERM");
}

#[test]
fn what_root_cannot_remove_without_capabilities_is_said_to_stay() {
    if !can_run(&[]) {
        return;
    }
    let folder = Folder::new();
    let live = Live::here(&folder.theirs, "", &["--attach", "a=unix:a.sock"]);
    live.signal("-TERM");
    let out = live.wait();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert!(String::from_utf8_lossy(&out.stderr).contains("control.sock will stay behind"), "{out:?}");
}

#[test]
fn a_socket_that_is_replaced_by_a_link_gives_nothing_away() {
    if !can_run(&["mkfifo"]) {
        return;
    }
    let folder = Folder::new();
    let (fifo, socket) = (folder.theirs.join("fifo"), folder.theirs.join("c.sock"));
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    chown(&fifo, Some(NOBODY), Some(NOBODY)).unwrap();
    let args = "live --relay --attach a=unix:a.sock --control c.sock --pcap fifo --for 1s";
    let child = folder.by_sudo(&args.split(' ').collect::<Vec<_>>()).spawn().unwrap();
    // It waits for a reader of the pipe now.
    until("it listens", || socket.exists());
    std::fs::remove_file(&socket).unwrap();
    symlink(folder.victim(), &socket).unwrap();
    std::fs::read(&fifo).unwrap();
    let out = child.wait_with_output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    folder.is_untouched();
    assert!(socket.is_symlink(), "what is not its own is left alone");
}

#[test]
fn files_of_root_are_neither_written_nor_read_for_who_called_sudo() {
    if !can_run(&[]) {
        return;
    }
    let folder = Folder::new();
    let victim = folder.victim().to_str().unwrap().to_owned();
    let relay = ["live", "--relay", "--for", "1s", "--attach", "a=unix:a.sock"];
    for more in [
        ["--pcap".to_owned(), victim.clone()],
        ["--attach".to_owned(), format!("b=pcap:,{victim}")],
        ["--attach".to_owned(), format!("b=pcap:{victim}")],
        ["--control".to_owned(), format!("{victim}.sock")],
    ] {
        let more = more.each_ref().map(String::as_str);
        let said = refused(&folder.by_sudo(&[&relay[..], &more].concat()).output().unwrap());
        assert!(said.contains("Permission denied") && said.contains("victim"), "{said}");
        folder.is_untouched();
    }
    let lab = ["live", &victim, "--attach", "a=unix:a.sock"];
    let said = refused(&folder.by_sudo(&lab).output().unwrap());
    assert!(said.contains("Permission denied"), "{said}");
    // Nor as another user.
    let said = refused(&folder.by_sudo(&[&relay[..], &["--user", "root"]].concat()).output().unwrap());
    assert!(said.contains("--user: with sudo"), "{said}");
    // The message under sudo must be clear.
    let said = refused(&folder.by_sudo(&relay).env("SUDO_GID", "many").output().unwrap());
    assert!(said.contains("SUDO_GID"), "{said}");
}

#[test]
fn links_are_not_followed_but_to_pipes() {
    if !can_run(&[]) {
        return;
    }
    let folder = Folder::new();
    symlink(folder.victim(), folder.theirs.join("link")).unwrap();
    for (option, value) in [("--pcap", "link"), ("--attach", "b=pcap:,link")] {
        // As root, which would be able to.
        let args = ["live", "--relay", "--for", "1s", "--attach", "a=unix:a.sock", option, value];
        let out = folder.by_sudo(&args).env_remove("SUDO_UID").env_remove("SUDO_GID").output().unwrap();
        assert!(refused(&out).contains("symbolic link"));
        folder.is_untouched();
    }
    let args = "live --relay --for 1s --quiet --attach a=unix:a.sock --pcap /dev/stdout";
    let mut command = folder.by_sudo(&args.split(' ').collect::<Vec<_>>());
    let out = command.env_remove("SUDO_UID").env_remove("SUDO_GID").output().unwrap();
    assert_eq!(out.status.code(), Some(0), "{out:?}");
    assert_eq!(out.stdout.first_chunk(), Some(&[0x0a, 0x0d, 0x0d, 0x0a]), "a capture: {out:?}");
}

#[test]
fn sockets_are_for_their_owner_alone_whatever_the_umask() {
    let dir = tempfile::tempdir().unwrap();
    let command = Live::behind("umask 0000", dir.path(), "", &["--attach", "a=unix:a.sock"]);
    let live = Live::start(command, dir.path());
    for name in ["control.sock", "a.sock"] {
        let mode = std::fs::metadata(dir.path().join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    live.end("-TERM");
}
