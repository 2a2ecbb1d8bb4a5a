//! The kernel's error numbers, as far as the control plane and `send` return them.

use core::fmt;

macro_rules! errnos {
    ($($variant:ident = $number:literal, $name:literal, $text:literal;)*) => {
        /// An error number of the Linux kernel. `Display` prints its name (`EINVAL`).
        #[non_exhaustive]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Errno {
            $(#[doc = concat!("`", $name, "`: ", $text)] $variant,)*
        }

        impl Errno {
            /// Every error number known here.
            pub const ALL: &'static [Errno] = &[$(Errno::$variant,)*];

            /// Its number on Linux (`errno(3)`).
            #[must_use]
            pub fn number(self) -> i32 {
                match self { $(Errno::$variant => $number,)* }
            }

            /// The symbolic name: `EINVAL`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Errno::$variant => $name,)* }
            }

            /// Its text (`strerror(3)`): `Invalid argument`.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self { $(Errno::$variant => $text,)* }
            }
        }
    };
}

errnos! {
    Eperm = 1, "EPERM", "Operation not permitted";
    Enoent = 2, "ENOENT", "No such file or directory";
    Ebusy = 16, "EBUSY", "Device or resource busy";
    Esrch = 3, "ESRCH", "No such process";
    Eexist = 17, "EEXIST", "File exists";
    Enodev = 19, "ENODEV", "No such device";
    Einval = 22, "EINVAL", "Invalid argument";
    Emlink = 31, "EMLINK", "Too many links";
    Erange = 34, "ERANGE", "Numerical result out of range";
    Eloop = 40, "ELOOP", "Too many levels of symbolic links";
    Exfull = 54, "EXFULL", "Exchange full";
    Eoverflow = 75, "EOVERFLOW", "Value too large for defined data type";
    Emsgsize = 90, "EMSGSIZE", "Message too long";
    Eopnotsupp = 95, "EOPNOTSUPP", "Operation not supported";
    Eaddrinuse = 98, "EADDRINUSE", "Address already in use";
    Eaddrnotavail = 99, "EADDRNOTAVAIL", "Cannot assign requested address";
    Enetdown = 100, "ENETDOWN", "Network is down";
    Enetunreach = 101, "ENETUNREACH", "Network is unreachable";
    Enobufs = 105, "ENOBUFS", "No buffer space available";
}

impl Errno {
    /// The error number with this symbolic name, letter case ignored.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Errno> {
        Errno::ALL.iter().copied().find(|e| e.name().eq_ignore_ascii_case(name))
    }

    /// The error number with this value.
    #[must_use]
    pub fn from_number(number: i32) -> Option<Errno> {
        Errno::ALL.iter().copied().find(|e| e.number() == number)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl core::error::Error for Errno {}

#[cfg(feature = "std")]
/// An error number returned by the running kernel. `Display` prints its name if macvlab knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ErrorNumber(pub i32);

#[cfg(feature = "std")]
impl From<Errno> for ErrorNumber {
    fn from(e: Errno) -> ErrorNumber {
        ErrorNumber(e.number())
    }
}

#[cfg(feature = "std")]
impl core::error::Error for ErrorNumber {}

#[cfg(feature = "std")]
impl fmt::Display for ErrorNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Errno::from_number(self.0) {
            Some(e) => f.write_str(e.name()),
            None => write!(f, "errno {} ({})", self.0, std::io::Error::from_raw_os_error(self.0)),
        }
    }
}
