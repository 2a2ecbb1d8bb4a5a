//! The command line of macvlab.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
