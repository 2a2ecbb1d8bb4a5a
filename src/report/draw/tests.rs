//! Draws every lab of the fixtures, and checks some closely.

use super::layout::{NodeKind, WireKind};
use super::*;
use crate::lab::spec::Name;
use crate::lab::{Device, DeviceType, Lab, LabSpec, Options};
use std::path::Path;

fn spec(name: &str) -> LabSpec {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs").join(name);
    crate::labfile::load(&path).unwrap_or_else(|e| panic!("{e}"))
}

/// The scene after the given number of steps.
fn scene(spec: &LabSpec, steps: usize) -> Scene {
    let mut spec = spec.clone();
    spec.steps.truncate(steps);
    let mut scene = Scene::default();
    let options = Options { changes: true, ..Options::default() };
    Lab::new(&spec, options).run(&mut |event| {
        scene.event(event);
    });
    scene
}

/// A lab with every kind of device: modes, a sub-interface, a refused port, a router, an idle cable.
fn motley() -> Scene {
    let spec = crate::labfile::parse(
        "lab.toml",
        r#"
        title = "One of each"
        [nic.eth0]
        mac = "02:00:00:00:00:e0"
        address = ["10.0.0.1/24", "10.0.1.1/24"]
        [macvlan.p]
        parent = "eth0"
        mode = "passthru"
        [macvlan.late]
        parent = "eth0"
        mode = "passthru"
        expect = "EINVAL"
        [vlan."eth0.5"]
        parent = "eth0"
        id = 5
        [macvlan.b]
        parent = "eth0.5"
        mode = "bridge"
        up = false
        [nic.lone]
        [[router.r.interfaces]]
        address = ["10.0.0.9/24"]
        [switch.sw0.port.eth0]
        hairpin = true
        learning = false
        [switch.sw0.port."r.0"]
        isolated = true
        "#,
    );
    scene(&spec.unwrap_or_else(|e| panic!("{e}")), 0)
}

#[test]
fn one_of_each_as_svg() {
    insta::assert_snapshot!(svg(&motley()).split_once("</style>").map(|(_, drawing)| drawing).unwrap());
}

#[test]
fn one_of_each_as_mermaid() {
    insta::assert_snapshot!(mermaid(&motley()));
}

#[test]
fn one_of_each_for_graphviz() {
    insta::assert_snapshot!(dot(&motley()));
}

/// In every lab: no nodes overlap, all are inside, every device has a position, and a cable has two ends.
#[test]
fn every_lab_has_room() {
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/labs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.ends_with(".toml") {
            continue;
        }
        let scene = scene(&spec(&name), usize::MAX);
        let layout = Layout::of(&scene);
        let (width, height) = layout.size();
        for (index, a) in layout.nodes.iter().enumerate() {
            let inside =
                a.at.0 >= 0 && a.at.1 >= 0 && a.at.0 + a.size.0 <= width && a.at.1 + a.size.1 <= height;
            assert!(inside, "{name}: {a:?}");
            for b in &layout.nodes[index + 1..] {
                let apart = a.at.0 + a.size.0 <= b.at.0
                    || b.at.0 + b.size.0 <= a.at.0
                    || a.at.1 + a.size.1 <= b.at.1
                    || b.at.1 + b.size.1 <= a.at.1;
                assert!(apart, "{name}: {a:?} {b:?}");
            }
        }
        for device in &scene.devices {
            assert!(layout.places().contains_key(&device.name), "{name}: {}", device.name);
        }
        let peers = scene.devices.iter().filter(|d| d.peer.is_some()).count();
        // A port of a bridge inside a host has its device as its peer, which may have a cable besides.
        let inside = scene.devices.iter().filter(|port| {
            let device = scene.devices.iter().find(|d| Some(&d.name) == port.peer.as_ref());
            device.is_some_and(|d| d.master.is_some() && d.master == port.parent)
        });
        // So have the ports of a bond, which are drawn as connected to it.
        let bonds = || scene.devices.iter().filter(|d| d.kind == DeviceType::Bond);
        let bonded =
            scene.devices.iter().filter(|d| bonds().any(|bond| d.master.as_ref() == Some(&bond.name)));
        let ends = peers + inside.count() + 2 * bonded.count();
        assert_eq!(layout.cables().count() * 2, ends, "{name}");
    }
}

#[test]
fn hairpin_and_steps_can_be_seen() {
    let lab = spec("arp-vepa-hairpin.toml");
    assert!(svg(&scene(&lab, 0)).contains("hairpin on"));
    let off = svg(&scene(&spec("arp-vepa.toml"), 0));
    assert!(off.contains("hairpin off") && !off.contains("mv-turn\" d="));
    // A step that changes a mode changes the drawing.
    let lab = spec("mode-change-live.toml");
    let drawings: std::collections::BTreeSet<String> =
        (0..=lab.steps.len()).map(|steps| svg(&scene(&lab, steps))).collect();
    assert!(drawings.len() > 1);
}

/// Ports beyond the limit share one node with their number; each still has a position.
#[test]
fn hundreds_of_ports_are_put_together() {
    let device = |name: String, kind, parent: Option<&str>| {
        let parent = parent.map(Name::from);
        Device { parent, ..Device::new(name, kind) }
    };
    let ports = (0..500).map(|n| device(format!("c{n}"), DeviceType::Macvlan, Some("eth0")));
    let devices = std::iter::once(device("eth0".into(), DeviceType::Nic, None)).chain(ports).collect();
    let scene = Scene { devices, ..Scene::default() };
    let layout = Layout::of(&scene);
    let more =
        layout.nodes.iter().find_map(|n| if let NodeKind::More(more) = n.what { Some(more) } else { None });
    let drawn = layout.nodes.iter().filter(|n| matches!(n.what, NodeKind::Device(_))).count();
    assert_eq!(more.map(|more| more + drawn), Some(500));
    assert!(layout.places().contains_key("c499"));
    let idle = |w: &&super::layout::Wire| w.kind == WireKind::Idle;
    assert_eq!(layout.wires.iter().filter(idle).count(), 1);
}

/// Names can be arbitrary; the output stays a valid drawing.
#[test]
fn names_stay_text() {
    let name = "</text><script>&\"'\\\u{7}#;`]\u{ffff}";
    let device = |name: &str, kind, parent: Option<&str>| {
        let parent = parent.map(Name::from);
        Device { parent, ..Device::new(name, kind) }
    };
    let devices = vec![device(name, DeviceType::Nic, None), device("c1", DeviceType::Macvlan, Some(name))];
    let scene = Scene { title: format!("{name}\nend"), devices, ..Scene::default() };
    let svg = svg(&scene);
    assert!(!svg.contains("<script") && !svg.contains("&\"") && svg.contains("&lt;script&gt;"), "{svg}");
    assert!(!svg.contains(['\u{7}', '\u{ffff}']));
    let mermaid = mermaid(&scene);
    assert!(!mermaid.contains("<script") && !mermaid.contains(['\\', '`', '\u{7}']), "{mermaid}");
    assert_eq!(mermaid.lines().filter(|line| line.contains("accTitle")).count(), 1);
    assert!(!mermaid.lines().any(|line| line.trim() == "end" && line.starts_with("end")));
    let dot = dot(&scene);
    // Every quote that is not escaped opens or closes a string.
    assert_eq!(dot.replace("\\\\", "").replace("\\\"", "").matches('"').count() % 2, 0, "{dot}");
    assert!(dot.contains("'\\\\"), "{dot}");
}

#[test]
fn sub_interfaces_are_drawn_up_to_a_depth() {
    let nested = |count: usize| {
        let below = |n: usize| if n == 1 { "eth0".to_owned() } else { format!("v{}", n - 1) };
        let vlan =
            |n| Device { parent: Some(below(n).into()), ..Device::new(format!("v{n}"), DeviceType::Vlan) };
        let nic = Device::new("eth0", DeviceType::Nic);
        Scene { devices: std::iter::once(nic).chain((1..=count).map(vlan)).collect(), ..Scene::default() }
    };
    for (count, drawn) in [(15, 15), (16, 16), (17, 16)] {
        let scene = nested(count);
        let layout = Layout::of(&scene);
        let placed = (1..=count).filter(|n| layout.places().contains_key(format!("v{n}").as_str())).count();
        assert_eq!(placed, drawn);
        // All are in the drawing's description.
        assert!(svg(&scene).contains(&format!("v{count}: ")));
    }
}

#[test]
fn the_ports_of_a_bond_are_connected_to_it() {
    let scene = scene(&spec("bond-failover.toml"), 0);
    let drawing = svg(&scene);
    assert!(drawing.contains("bond0: bond, active port eth0"), "{drawing}");
    assert!(drawing.contains("eth1: NIC, port of bond0"), "{drawing}");
    let graph = mermaid(&scene);
    let connected = graph.lines().filter(|line| line.trim().starts_with("d2 ===")).count();
    assert_eq!(connected, 2, "{graph}");
}

#[test]
fn a_dummy_is_drawn_as_a_parent_without_a_cable() {
    let scene = scene(&spec("dummy-parent.toml"), 0);
    let (drawing, graph) = (svg(&scene), mermaid(&scene));
    assert!(drawing.contains("dm-1: dummy") && graph.contains("dm-1<br/>dummy"), "{drawing}\n{graph}");
    let parents = scene.devices.iter().filter(|d| d.kind == DeviceType::Dummy);
    assert!(parents.clone().count() == 1 && parents.clone().all(|d| d.peer.is_none() && d.can_be_parent()));
}
