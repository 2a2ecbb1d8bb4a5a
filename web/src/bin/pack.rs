//! `pack ENGINE UNPACK PAGE`: writes the page that contains these modules.

use lzma_rust2::{EncodeMode, LzmaOptions, LzmaWriter, MfType};
use macvlab::play::{self, Modules};
use std::io::{self, Write as _};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [engine, unpack, page] = arguments.as_slice() else {
        eprintln!("usage: pack ENGINE UNPACK PAGE");
        return ExitCode::from(2);
    };
    match make(engine, unpack, page) {
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

fn make(engine: &str, unpack: &str, page: &str) -> io::Result<usize> {
    let (engine, unpack) = (std::fs::read(engine)?, std::fs::read(unpack)?);
    let modules = Modules { engine: &engine, unpack: &unpack };
    let text = play::page(modules, &macvlab::labfile::write(&play::classic()), &pack)?;
    std::fs::write(page, &text)?;
    Ok(text.len())
}

/// With the properties that `web/unpack` knows.
fn pack(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let options = LzmaOptions {
        dict_size: 4 << 20,
        lc: 4,
        lp: 0,
        pb: 0,
        mode: EncodeMode::Normal,
        nice_len: LzmaOptions::NICE_LEN_MAX,
        mf: MfType::Bt4,
        depth_limit: 512,
        preset_dict: None,
    };
    let mut writer = LzmaWriter::new_no_header(Vec::new(), &options, false)?;
    writer.write_all(bytes)?;
    writer.finish()
}
