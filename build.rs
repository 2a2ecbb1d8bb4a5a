//! Takes the playground's page (web/build) into the program if `MACVLAB_PAGE` names it: `macvlab play --export` writes it.

use std::path::Path;

fn main() -> std::io::Result<()> {
    println!("cargo:rerun-if-env-changed=MACVLAB_PAGE");
    println!("cargo:rustc-check-cfg=cfg(macvlab_page)");
    let Some(page) = std::env::var_os("MACVLAB_PAGE").filter(|page| !page.is_empty()) else { return Ok(()) };
    let page = Path::new(&page).canonicalize()?;
    println!("cargo:rerun-if-changed={}", page.display());
    println!("cargo:rustc-env=MACVLAB_PAGE_FILE={}", page.display());
    println!("cargo:rustc-cfg=macvlab_page");
    Ok(())
}
