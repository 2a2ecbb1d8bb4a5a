//! `pack MODULE PAGE`: writes the page that contains this module.

use std::process::ExitCode;

/// Rounds of the compressor: more hardly find anything.
const ROUNDS: u64 = 8;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, page] = arguments.as_slice() else {
        eprintln!("usage: pack MODULE PAGE");
        return ExitCode::from(2);
    };
    match pack(module, page) {
        Ok(length) => {
            println!("{page}: {length} bytes");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn pack(module: &str, page: &str) -> Result<usize, Box<dyn std::error::Error>> {
    let module = std::fs::read(module)?;
    let mut packed = Vec::new();
    let rounds = std::num::NonZeroU64::new(ROUNDS).ok_or("no rounds")?;
    let options = zopfli::Options { iteration_count: rounds, ..zopfli::Options::default() };
    zopfli::compress(options, zopfli::Format::Deflate, module.as_slice(), &mut packed)?;
    let text = macvlab::play::page(&packed, &macvlab::labfile::write(&macvlab::play::classic()));
    std::fs::write(page, &text)?;
    Ok(text.len())
}
