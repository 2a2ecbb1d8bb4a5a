//! Drops privileges (capabilities(7)).

use std::io;

/// `_LINUX_CAPABILITY_VERSION_3` (linux/capability.h).
const VERSION_3: u32 = 0x2008_0522;

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// `struct __user_cap_data_struct`; version 3 has two of them.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Permanently drops every capability of this thread and of threads that it starts.
pub(crate) fn drop_capabilities() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    let header = Header { version: VERSION_3, pid: 0 };
    let none = [Data::default(); 2];
    // SAFETY: header and data live through the call and have the layout and number that version 3 demands.
    let rc = unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) };
    if rc == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
