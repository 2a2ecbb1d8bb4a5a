//! The rule catalogue: every rule with its id, its kind, its title, its reason in one sentence and its counterpart.

use super::rule::rules;

rules! {
    // What the parent knows.
    ActiveTable = "R1", Ground, "The parent's table of ports", "The parent finds its active ports by MAC address; a port that is down is not in its table.", "macvlan_hash_add, macvlan_hash_del";
    NothingLearned = "R2", Ground, "Nothing is learned", "The receive path uses MAC addresses, modes, group filters and source lists only, and learns nothing from frames.", "macvlan_handle_frame";
    NoPorts = "R3", Forwarding, "No macvlan on this device", "The device has no port and so no macvlan receive handler; every frame goes to its host stack.", "netdev_rx_handler_register";

    // Receive: a frame arrives at the parent.
    ReceiveOrder = "R10", Ground, "Receive order", "The outer tag is set aside, the tap sees the frame, source ports get their copies, then the unicast or multicast rules apply.", "__netif_receive_skb_core";
    TapSeesAll = "R11", Ground, "The tap comes first", "A packet tap on the parent sees every frame that arrives, whatever happens to it next.", "__netif_receive_skb_core";
    UnicastToNoPort = "R12", Forwarding, "No port has this MAC address", "No active port has the destination MAC address, so the frame goes to the host stack.", "macvlan_handle_frame";
    UnicastToSourcePort = "R13", Forwarding, "A source port does not receive by MAC address", "The destination is a source port's MAC address, and a source port receives from listed senders only, so the host stack gets the frame.", "macvlan_handle_frame";
    UnicastToPort = "R14", Forwarding, "Unicast to a port", "The destination is this port's MAC address; the port's mode and the source address do not matter.", "macvlan_handle_frame";
    SourceLookup = "R16", Ground, "Broadcasts look up their source", "Which ports get a broadcast or multicast depends on whether its source address belongs to an active port of the parent.", "macvlan_handle_frame";
    OwnBroadcastBack = "R17", Forwarding, "A reflected broadcast returns to its sender only", "The source address is that of a private, source or passthru port, so only that port gets the frame.", "macvlan_handle_frame";
    FloodFromOutside = "R18", Forwarding, "A broadcast from outside", "No active port has the source address, so every private, vepa, bridge and passthru port whose group filter accepts the frame gets it.", "macvlan_multicast_rx";
    FloodFromVepa = "R19", Forwarding, "A vepa port's broadcast is reflected", "The source is a vepa port, so the other vepa and bridge ports get the frame; private ports and the sender do not.", "macvlan_multicast_rx";
    FloodFromBridge = "R20", Forwarding, "A bridge port's broadcast is reflected", "The source is a bridge port whose bridge siblings got their copy before the frame left, so only vepa ports get the frame.", "macvlan_multicast_rx";
    SourceModeNotFlooded = "R21", Withholding, "Source ports get no floods", "A port in source mode gets no flooded frames, only frames from its listed senders.", "macvlan_broadcast";
    GroupNotWanted = "R22", Withholding, "The group filter", "The port has not joined this group and is neither promiscuous nor all-multicast.", "macvlan_compute_filter, macvlan_broadcast";
    PauseNotFlooded = "R23", Withholding, "PAUSE is not flooded", "The EtherType behind at most one tag is 0x8808 (MAC control), which is not flooded to ports.", "macvlan_broadcast";
    MulticastToHost = "R24", Forwarding, "The host stack gets broadcasts too", "A broadcast or multicast that is flooded to the ports also goes to the host stack, whatever groups it has joined.", "macvlan_handle_frame";
    FilterIsAHash = "R25", Ground, "The kernel's group filter is a hash", "The kernel keeps a port's groups in 256 hash buckets, so it sometimes delivers a group that the port has not joined; here the filter is exact.", "mc_hash";

    // Transmit: a port sends.
    BridgeLocalUnicast = "R30", Forwarding, "Bridge mode delivers locally", "Sender and destination are active bridge ports of the same parent, so the frame enters the parent's receive path and not the wire.", "macvlan_queue_xmit";
    BridgeLocalFlood = "R31", Forwarding, "Bridge mode copies broadcasts locally", "The sender is a bridge port, so its active bridge siblings get a copy of the broadcast directly; the frame also goes out on the wire.", "macvlan_queue_xmit, macvlan_broadcast";
    ToWire = "R32", Forwarding, "Out on the wire", "Only bridge ports reach each other locally; everything else that a port sends goes out on the wire unchanged.", "macvlan_queue_xmit";
    AnySource = "R33", Ground, "Any source address", "The source address of a frame that a port sends is neither checked nor changed.", "macvlan_start_xmit";
    HostToWire = "R34", Forwarding, "The host stack sends on the wire", "Frames from the host stack go out on the wire; the parent's ports see them only if the wire sends them back.", "__dev_queue_xmit";
    ReflectedIsIncoming = "R35", Ground, "A reflected frame is an incoming frame", "A frame that a hairpin switch reflects is handled like any other arriving frame.", "macvlan_handle_frame";
    FloodsAreQueued = "R36", Ground, "Broadcasts are queued", "The kernel floods broadcasts from a queue, so they may arrive after unicast frames that were sent later.", "macvlan_broadcast_enqueue, macvlan_process_broadcast";
    FloodOtherMode = "R31a", Withholding, "Not a bridge port", "Local copies of a broadcast go to active bridge ports only.", "macvlan_broadcast";
    FloodNotPrivate = "R19a", Withholding, "Private ports get no sibling's broadcasts", "The sender is a sibling, and a private port gets no broadcasts from siblings.", "macvlan_multicast_rx";
    FloodNotTwice = "R20a", Withholding, "No second copy", "The sender is a bridge port, whose reflected broadcasts go to vepa ports only; bridge siblings got theirs before the frame left.", "macvlan_multicast_rx";
    FloodNotSelf = "R19b", Withholding, "Not back to the sender", "The source address is the port's own, and a vepa or bridge port does not get its own broadcast back.", "macvlan_broadcast";
    PortDown = "R1a", Withholding, "The port is down", "A port that is down is not in the parent's table and receives nothing.", "macvlan_stop";

    // Source mode.
    SourceCopy = "R40", Forwarding, "A listed sender", "The source address is in this source port's list, so the port gets a copy whatever the destination.", "macvlan_forward_source (since Linux 3.18)";
    SourceCopyType = "R41", Ground, "Packet type of a source copy", "A source port sees its copy with the packet type that the parent saw, or as host if the destination is its own MAC address.", "macvlan_forward_source_one";
    SourceNodst = "R42", Withholding, "nodst: no other copy", "A source port with the nodst flag lists the sender, so no other device gets the frame, even if that port is down.", "macvlan_forward_source (since Linux 5.13)";
    SourceNotListed = "R43", Withholding, "Not a listed sender", "The port is in source mode and its list does not contain the source address.", "macvlan_forward_source";
    SourceList = "R44", Refusal, "Editing a source list", "Only a source port has a list, and only unicast addresses can be added to it.", "macvlan_changelink_sources";
    SourceTransmit = "R45", Ground, "A source port sends on the wire", "A frame from a source port goes out on the wire, even if it is for a bridge sibling.", "macvlan_queue_xmit";

    // Passthru.
    PassthruAlone = "R50", Refusal, "Passthru takes the parent alone", "A passthru port is the only port on its parent and has the parent's MAC address.", "macvlan_common_newlink";
    PassthruUnicast = "R51", Forwarding, "Passthru takes all unicast", "The parent has a passthru port, which gets every unicast frame whatever its destination.", "macvlan_handle_frame";
    PassthruDown = "R51a", Withholding, "The passthru port is down", "The parent has a passthru port that is down; unicast frames are dropped, and the host stack gets none while the port exists.", "macvlan_handle_frame";
    PassthruMulticast = "R52", Ground, "Passthru and broadcasts", "Broadcasts and groups follow the usual rules on a parent with a passthru port: its filter applies and the host stack gets them too.", "macvlan_handle_frame";
    PassthruAddress = "R53", Ground, "Passthru shares the MAC address", "Setting a passthru port's MAC address sets its parent's, and the other way round; deleting the port undoes what the port changed.", "macvlan_set_mac_address, macvlan_port_destroy";
    PassthruPromiscuity = "R54", Ground, "nopromisc", "The nopromisc flag decides only whether a passthru port makes its parent promiscuous.", "macvlan_open, macvlan_changelink";

    // Queue of broadcasts.
    QueueZero = "R60", Withholding, "The broadcast queue has no room", "The parent's broadcast queue length is 0, so frames that would be queued are not flooded at all.", "macvlan_broadcast_enqueue (a length set by hand since Linux 5.11)";
    QueueEverything = "R61", Ground, "What is queued", "On a parent without a hardware address filter all multicast is queued, because the parent's promiscuous mode opens the filter.", "macvlan_recompute_bc_filter";
    ParentFilter = "R62", Withholding, "The parent's own group filter", "The group filter in front of all the parent's ports, as last loaded, does not accept this group.", "macvlan_recompute_bc_filter, macvlan_handle_frame";

    // Packet types, tags, lengths.
    PacketTypes = "R70", Ground, "Packet types", "The tap and the host stack classify a frame by the parent's MAC address, a station by its own, and a port sees its unicast as host.", "eth_type_trans";
    TaggedToHost = "R71", Forwarding, "A VLAN without a sub-interface", "The frame has a VLAN id above 0 and the device has no sub-interface for it, so the host stack sees the frame as otherhost.", "__netif_receive_skb_core";
    Runt = "R72", Withholding, "Too short for its tag", "A tagged frame of fewer than 20 bytes is discarded on arrival: the link counts it and no tap sees it.", "skb_vlan_untag";
    RuntSend = "R72a", Refusal, "Too short to send", "A frame of fewer than 14 bytes cannot be sent.", "packet_snd";
    TooLongToSend = "R73", Refusal, "Longer than the mtu", "The frame is longer than the device's mtu and header allow (4 bytes more behind an outer 0x8100 tag).", "packet_snd";
    TooLongToReceive = "R74", Withholding, "Too long for the receiving end", "The frame is longer than the receiving end's mtu plus 18 bytes.", "is_skb_forwardable";

    // Refusals.
    CreateRefused = "R80", Refusal, "Creating a port", "Address, mode, source list, mtu, parent, passthru and name are checked in this order, and the first failure decides the error.", "macvlan_validate, macvlan_common_newlink";
    EnslavedParent = "R81", Refusal, "A parent that is already in use", "A device that is a port of a bridge or a bond, or the loopback, cannot be a parent.", "netdev_rx_handler_register";
    PortAsParent = "R82", Ground, "A port as parent", "A macvlan created on a macvlan becomes a port of that macvlan's parent.", "macvlan_common_newlink";
    AddressInUse = "R83", Refusal, "MAC address already in use", "A port cannot come up while its MAC address is the parent's or an active sibling's.", "macvlan_open, macvlan_addr_busy";
    ChangeAddress = "R84", Refusal, "Changing a port's MAC address", "A new MAC address must be unicast and neither the parent's nor an active sibling's.", "macvlan_set_mac_address";
    ChangeParentAddress = "R85", Ground, "Changing the parent's MAC address", "The parent may take a MAC address that one of its ports has.", "macvlan_device_event";
    ChangeMode = "R86", Refusal, "Changing the mode", "A port's mode cannot be changed to or from passthru; any other change applies from the next frame.", "macvlan_changelink";
    ChangeMtu = "R87", Refusal, "Changing the mtu", "A port's mtu is at least 68 and at most its parent's; lowering the parent's lowers its ports'.", "macvlan_change_mtu, dev_validate_mtu";
    JoinAndLeave = "R88", Refusal, "Joining and leaving groups", "Joining a group is never refused; leaving a group that was not joined is.", "dev_mc_add, dev_mc_del";
    SendDown = "R89", Refusal, "Sending on a device that is down", "A device that is down does not send, and a device that does not exist has no operations.", "packet_snd";

    // Up, down, carrier.
    NoCarrier = "R90", Withholding, "No carrier", "The parent is down or the far end of its cable is, so frames from a port or the parent are discarded, local ones included.", "macvlan_device_event, netif_stacked_transfer_operstate";
    IdleCable = "R91", Withholding, "An idle cable", "The cable is connected, but no device listens at its far end.", "veth_xmit";
    ParentRemoved = "R92", Ground, "Deleting the parent", "Deleting a parent deletes its ports.", "macvlan_device_event";
    LocalCopyTooLong = "R93", Withholding, "Too long for this port's local copy", "A local copy of a broadcast must fit the receiving port's mtu plus 18 bytes; other frames are not limited this way.", "__dev_forward_skb";

    // Counters.
    CountTransmit = "R100", Counting, "A port's sent frames", "A port counts each frame that it hands on, locally or to the wire, at its full length.", "macvlan_start_xmit";
    CountUnicast = "R101", Counting, "A port's unicast and source copies", "Unicast frames and source copies count one packet and their length without the outer tag; the multicast counter does not change.", "macvlan_count_rx";
    CountFlood = "R102", Counting, "A port's floods from the parent", "A flooded frame counts one packet, its length without the outer tag, and one multicast.", "macvlan_count_rx";
    CountLocalCopy = "R103", Counting, "A port's local copies", "A local copy counts one packet, one multicast and its length as sent plus 14 bytes.", "macvlan_broadcast";
    CountOwnBack = "R104", Counting, "A port's own broadcast back", "A broadcast that returns to its sender counts one packet of 0 bytes and no multicast.", "macvlan_handle_frame";
    CountTooLong = "R105", Counting, "A local copy that was too long", "A local copy that does not fit counts one receive error and two drops.", "macvlan_count_rx";
    CountNoCarrier = "R106", Counting, "Sending without carrier", "A frame that is discarded for lack of carrier counts as dropped, not as sent.", "macvlan_start_xmit";
    CountParent = "R107", Counting, "The parent's counters", "The parent counts the frames that cross its cable, at full length; local traffic of bridge ports does not change its counters.", "veth_xmit";
    CountRefusedByPeer = "R108", Counting, "Refused by the far end", "A frame that the far end of the cable refuses counts as dropped at the sending port, not as sent.", "macvlan_start_xmit";

    // The switch.
    BadSource = "R120", Withholding, "An impossible source address", "The source address is multicast or zero; the switch drops the frame and learns nothing.", "br_handle_frame";
    ReservedLocal = "R121", Withholding, "A reserved group stays at the switch", "01:80:c2:00:00:02 to 0f are not forwarded, but the switch learns their source.", "br_handle_frame";
    ReservedPause = "R121a", Withholding, "PAUSE stops at the switch", "01:80:c2:00:00:01 is dropped and nothing is learned from it.", "br_handle_frame";
    Learn = "R122", Ground, "Learning", "The source address is learned on the arrival port, and moves when it is seen on another port.", "br_fdb_update";
    StaticMoves = "R123", Ground, "Static entries move, sticky ones stay", "A static entry moves when its address is seen on another port; only a sticky one does not.", "br_fdb_update (sticky since Linux 4.20)";
    Ageing = "R124", Ground, "Ageing", "A learned entry is removed when its address has not been seen as a source for the ageing time.", "br_fdb_cleanup";
    KnownUnicast = "R125", Forwarding, "Known unicast", "The forwarding database has a port for the destination, so the frame leaves by that port only.", "br_forward";
    UnknownUnicast = "R125a", Forwarding, "Unknown unicast is flooded", "The forwarding database has no entry for the destination, so the frame leaves by every port that floods unknown unicast.", "br_flood";
    SwitchBroadcast = "R125b", Forwarding, "Broadcast is flooded", "A broadcast leaves by every port that floods broadcasts.", "br_flood";
    SwitchMulticast = "R125c", Forwarding, "Groups are flooded", "A group frame leaves by every port that floods multicast.", "br_flood";
    FloodFlagOff = "R125d", Withholding, "The port does not flood this", "The port's flag for flooding unknown unicast, multicast or broadcast is off.", "br_flood";
    NoHairpin = "R126", Withholding, "Not back out of the arrival port", "The frame would leave by the port that it came in on, and hairpin is off there.", "should_deliver";
    Hairpin = "R126a", Forwarding, "Hairpin", "Hairpin is on, so the frame leaves by the port that it came in on: it is reflected.", "should_deliver";
    Isolated = "R127", Withholding, "Isolated ports", "Both ports are isolated (also when they are the same port), so nothing passes between them.", "should_deliver, br_skb_isolated (since Linux 4.18)";
    SwitchPortDown = "R128", Withholding, "The switch port has no carrier", "A port without carrier gets no frames, and addresses learned there are forgotten unless the port had been disabled by hand.", "br_stp_disable_port";
    LearningOff = "R129", Ground, "Learning off", "A port without learning learns no addresses, so frames for the addresses behind it are flooded.", "br_handle_frame_finish";
    SwitchIgnoresTags = "R130", Ground, "Tags are ignored", "Without VLAN filtering, tags play no part in learning and forwarding.", "br_handle_frame_finish";
    SwitchOwnAddress = "R131", Ground, "The switch's own address", "The destination is the switch's own device, which has an address only if it is the parent of ports.", "br_handle_frame_finish";
    SwitchPortAddress = "R131a", Ground, "The address of a port's device", "The destination is the MAC address of a device that is a port of this bridge, so the bridge's own device gets the frame.", "br_fdb_add_local, br_handle_frame_finish";
    NothingToFloodTo = "R125e", Withholding, "No port for the flood", "The frame is to be flooded, but no port may send it.", "br_flood";
    VlanNotMember = "R132", Withholding, "Not a member of this VLAN", "VLAN filtering is on and the port is not a member of the frame's VLAN, or has no VLAN for untagged frames.", "br_allowed_ingress, br_allowed_egress";
    SwitchPorts = "R133", Refusal, "The limit of ports on a bridge", "A bridge takes at most 1023 ports.", "br_add_if, find_portno";
    Locked = "R140", Withholding, "A locked port", "The port is locked, and the source address has no forwarding entry on this port.", "br_handle_frame_finish (since Linux 5.18)";
    LockedMoves = "R141", Ground, "A locked port's address can move", "An address that is seen on an unlocked port moves there, so the locked port no longer accepts it.", "br_fdb_update";
    LockedReserved = "R142", Ground, "Reserved frames pass a locked port", "A reserved frame that stays at the switch skips the lock, and its source address is still learned.", "br_handle_frame";
    PortStateIn = "R150", Withholding, "The port's state blocks arrivals", "The arrival port is disabled, listening or learning, so the frame is not forwarded.", "br_handle_frame";
    PortStateOut = "R150a", Withholding, "The port's state blocks departures", "The port is disabled, listening or learning, so no frame leaves by it.", "should_deliver";
    StateKeepsEntries = "R151", Ground, "A change of state forgets nothing", "Addresses behind a port whose state was changed by hand stay known, so frames for them are dropped instead of flooded.", "br_set_state";
    StateRefused = "R152", Refusal, "Setting a port's state", "The state must be 0 to 4, and a port without carrier takes only 0. A disabled port is enabled again when its carrier comes back, or when a setting of the macvlan is changed that is this port.", "br_set_port_state, br_port_carrier_check";
    FdbRefused = "R153", Refusal, "Editing the forwarding database", "A dynamic entry needs a port with carrier in state learning or forwarding; an existing address cannot be added, only replaced, and a missing one cannot be deleted.", "fdb_add_entry, fdb_delete_by_addr_and_port";
    BridgeMask = "R155", Refusal, "The bridge's forwarding mask", "Bits 0, 1 and 2 are refused; bits 3 to 15 make 01:80:c2:00:00:03 to 0f ordinary groups.", "br_changelink";
    PortMask = "R156", Refusal, "A port's forwarding mask", "Only bit 1 is refused, so a port's mask can let LACP (02) through, which the bridge's mask cannot.", "br_setport";
    MaskOfArrival = "R157", Ground, "The arrival port's mask counts", "A reserved group is forwarded if the bridge's mask or the arrival port's mask has its bit.", "br_handle_frame";
    PauseNeverForwarded = "R158", Ground, "01 is never forwarded", "No mask makes the switch forward 01:80:c2:00:00:01 or learn from it.", "br_handle_frame";

    // IPv4 fragments at a parent.
    FragmentsFirst = "R160", Ground, "Fragments are reassembled first", "A parent with a macvlan, up or down, reassembles multicast and broadcast IPv4 fragments before any other rule applies; ports and the host stack get one frame.", "macvlan_handle_frame, ip_check_defrag";
    FragmentsLeftAlone = "R161", Ground, "Fragments that are not reassembled", "Unicast fragments, fragments behind two tags and a bridge port's local copies pass unchanged.", "ip_check_defrag";
    FragmentKey = "R162", Ground, "Which fragments belong together", "IP source, IP destination, identification and protocol decide; the MAC addresses and tags of the frames do not.", "ip4_obj_cmpfn";
    FragmentResult = "R163", Ground, "The reassembled frame", "The frame has the Ethernet header, tag and IP header of the fragment with offset 0, and the data of all fragments.", "ip_frag_reasm";
    FragmentsAnyLength = "R164", Ground, "A datagram may exceed the mtu", "Ports receive the datagram whatever its length and count it once; the parent counts the fragments.", "macvlan_count_rx";
    FragmentHeld = "R165", Withholding, "A fragment waits for the others", "Other fragments of this IPv4 datagram are missing; the frame is held back, and one frame with all of them goes on when the last one arrives.", "ip_frag_queue";
    FragmentOverlap = "R166", Withholding, "Overlapping fragments", "The fragment overlaps others of its datagram, so the whole datagram is discarded.", "inet_frag_queue_insert";
    FragmentTwice = "R166a", Withholding, "A duplicate fragment", "The fragment's data lies within a stretch that has already arrived, so this fragment alone is dropped.", "inet_frag_queue_insert";
    FragmentImpossible = "R167", Withholding, "An impossible fragment", "The fragment has no data, or contradicts the known end of its datagram, so the whole datagram is discarded.", "ip_frag_queue";
    FragmentsTooLong = "R167a", Withholding, "Longer than a datagram can be", "All fragments have arrived, and together they exceed 65,535 bytes, so the datagram is discarded.", "ip_frag_reasm";
    FragmentEcn = "R168", Withholding, "Fragments that disagree about ECN", "All fragments have arrived, and some are ECN-capable while others are not, so the datagram is discarded.", "ip_frag_reasm, ip_frag_ecn_table";
    FragmentTag = "R169", Ground, "Tagged fragments", "Ports see the tag of the fragment with offset 0, and the host stack goes by that tag.", "ip_frag_reasm";
    FragmentsTooFar = "R169a", Withholding, "Fragments too far apart", "Fragments are kept for 30 s, and while fewer than 64 fragments of other datagrams from their IP source come in between; older ones are discarded, and this one starts a new datagram.", "ip_frag_too_far, ip_expire";
    FragmentsFull = "R169b", Withholding, "No room for fragments", "The fragments held take more than 4 MiB, so every further one is discarded.", "inet_frag_find";

    // The queue of broadcasts, and deep tags.
    QueueOverflow = "R190", Ground, "A full queue", "A broadcast that finds the parent's queue full is lost for all ports; how many are lost is a race that a lab does not run.", "macvlan_broadcast_enqueue";
    CutOff = "R191", Ground, "The broadcast cut-off", "The cut-off is one value for each parent, set by the last port that specifies one.", "update_port_bc_cutoff (since Linux 6.4)";
    CutOffBelowZero = "R192", Ground, "Cut-off below 0", "Nothing waits in the queue: broadcasts are delivered at once, and the queue's length has no effect.", "macvlan_recompute_bc_filter";
    CutOffGroups = "R193", Ground, "Cut-off and groups", "Broadcasts always wait; groups wait if more ports than the cut-off have joined them; on a promiscuous parent everything waits.", "macvlan_recompute_bc_filter";
    DeepTags = "R195", Ground, "Deep tags", "Matching, filters and byte counts ignore the outermost tag only.", "skb_vlan_untag";
    HostPeelsTags = "R196", Ground, "The host stack removes priority tags", "Tags with id 0 are removed one by one, and the first id above 0 makes the frame otherhost.", "__netif_receive_skb_core";
    TagAllowance = "R197", Ground, "Four bytes for one tag", "Only an outer 0x8100 tag may make a sent frame 4 bytes longer than the mtu and header allow.", "packet_snd";

    // macvtap.
    TapIsMacvlan = "R200", Ground, "A macvtap is a macvlan", "A macvtap follows the rules of its mode, beside macvlans on the same parent.", "macvtap_newlink";
    TapOpened = "R201", Ground, "A macvtap that is open", "A program that has the device node open gets the port's frames instead of the port's host stack.", "tap_handle_frame";
    TapRead = "R202", Ground, "Reading from the node", "The reader gets ten bytes of header and the frame as on the wire, tag included.", "tap_do_read";
    TapWrite = "R203", Refusal, "Writing to the node", "A written frame is sent by the port whatever its source address and the port's mtu; fewer than 14 bytes are refused.", "tap_get_user";
    TapWriteLost = "R204", Withholding, "Written and lost", "The macvtap is down or has no carrier: the write succeeds, and the frame is lost.", "tap_get_user";
    TapQueueFull = "R205", Withholding, "The reader's queue is full", "The macvtap's reader has 500 frames waiting, so the frame is lost; it counts as received and as dropped.", "tap_handle_frame";

    // Other parents.
    PromiscuousParent = "R210", Ground, "A promiscuous parent", "Promiscuous or all-multicast mode set by hand changes no rule; the parent's group filter alone uses it, when it is next loaded.", "macvlan_compute_filter";
    OtherParents = "R211", Ground, "Other parents", "On a tap, vxlan or bridge device the same rules hold, and each becomes promiscuous as a veth does.", "dev_uc_add";

    // The switch's own device as a parent.
    SwitchOwnSees = "R212", Ground, "A bridge as parent sees everything", "Ports on the switch's own device make it promiscuous, so it and its ports see every frame that the switch accepts.", "br_pass_frame_up";
    SwitchOwnSends = "R213", Ground, "The switch's own device sends", "Frames from the switch's own device go to the ports by the forwarding database; nothing is learned from them.", "br_dev_xmit";

    // Devices that are ports of a bridge in their host.
    BridgeReceive = "R220", Ground, "A bridge port receives for the bridge", "The device is a port of a bridge in its host, so the bridge gets every frame that arrives, and the device's own stack gets none.", "br_handle_frame";
    BridgeTransmit = "R221", Forwarding, "A bridge sends by its port", "What a bridge sends by a port leaves by the device that is this port, with its source address unchanged.", "br_dev_queue_push_xmit";
    ReservedToPort = "R222", Forwarding, "A reserved group stays at the port", "The bridge does not forward this reserved group, so the stack of the device at which it arrived gets it.", "br_handle_local_finish";
    Enslave = "R223", Refusal, "Making a device a port of a bridge", "A device that has macvlans, is a macvtap or sits on the bridge cannot become a port of it, nor can another bridge.", "br_add_if";
    BridgeLoop = "R224", Withholding, "A frame that goes round", "The frame was handed to bridges 8 times by their own devices, which form a loop; the kernel would forward it for ever.", "br_handle_frame (STP prevents loops)";
    BridgePromiscuity = "R225", Ground, "A bridge's ports are promiscuous", "A bridge makes the devices that are its ports promiscuous and all-multicast; a macvlan passes both on to its parent.", "br_manage_promisc, br_add_if";

    // The NIC's hardware filter.
    HardwareFilter = "N1", Withholding, "The NIC's address filter", "The NIC is not promiscuous, and the destination is neither its own MAC address nor one in its filter.", "__dev_set_rx_mode; the hardware's filter";
    HardwareGroupFilter = "N2", Withholding, "The NIC's group filter", "The NIC is neither promiscuous nor all-multicast, and no device on it has joined the group.", "__dev_set_rx_mode; the hardware's filter";
    NicDown = "N3", Withholding, "The NIC is down", "The device is down and takes no frames from its cable.", "veth_xmit";

    // Dummies.
    Swallowed = "D1", Withholding, "Swallowed by a dummy", "A dummy has no cable: it counts what it sends as sent, and throws it away.", "dummy_xmit";

    // Bonds.
    BondReceive = "B1", Ground, "A bond receives by its active port", "The device is the active port of a bond, so the bond gets every frame that arrives, and the device's own stack gets none.", "bond_handle_frame";
    BondTransmit = "B2", Forwarding, "A bond sends by its active port", "What a bond sends leaves by its active port only, with its source address unchanged.", "bond_xmit_activebackup";
    BackupPort = "B3", Withholding, "A backup port of a bond", "The device is a backup port of a bond, so what arrives there is dropped: the bond receives by its active port only.", "bond_should_deliver_exact_match";
    BackupLinkLocal = "B4", Forwarding, "A link-local group at a backup port", "The destination is one of the groups 01:80:c2:00:00:00 to 0f, so the backup port's own stack gets the frame, and the bond does not.", "bond_handle_frame";
    BondEnslave = "B5", Refusal, "Changing the ports of a bond", "A NIC that has macvlans or is up cannot become a port of a bond; only a port that is up and has carrier can be made the active one.", "bond_enslave, bond_option_active_slave_set";
    FailOver = "B6", Ground, "The active port of a bond", "When the active port goes down or loses its carrier, or the primary port comes back, the active port is the primary if it can be used, else the first that can; the bond has carrier as long as there is one.", "bond_miimon_commit, bond_find_best_slave";
    BondNotifies = "B7", Ground, "A bond announces itself after a fail-over", "With a new active port, the stacks of the bond, its sub-interfaces and its macvlans announce their addresses whatever arp_notify says; what is behind a bridge does not.", "bond_change_active_slave, macvlan_device_event, vlan_device_event";

    // 802.1Q sub-interfaces.
    VlanReceive = "V1", Ground, "To the VLAN sub-interface", "The outer tag names a VLAN that has a sub-interface here, so the frame goes there without its tag, before the macvlan receive handler.", "vlan_do_receive";
    VlanTransmit = "V2", Forwarding, "Tagged and sent", "A VLAN sub-interface puts its tag on the frames that it sends and hands them to the device below.", "vlan_dev_hard_start_xmit";
    VlanDown = "V3", Withholding, "The VLAN sub-interface is down", "The frame's VLAN has a sub-interface here that is down, so it is dropped.", "vlan_do_receive";

    // Cables and end points.
    CableDown = "C1", Withholding, "The far end is down", "The device at the far end of the cable is down, so the frame is lost.", "veth_xmit";
    NotConnected = "C2", Withholding, "No connection", "Neither cables nor switches connect the sender with the destination, so no frame from one reaches the other.", "dev_queue_xmit";
    StationReceive = "S1", Forwarding, "A station receives from its cable", "Every frame that arrives on its cable is handed to the station, which reads it if it is the destination.", "eth_type_trans";
    StationTransmit = "S2", Forwarding, "A station sends", "A station's frames leave on its cable.", "__dev_queue_xmit";
    NoRoute = "S3", Withholding, "No route", "The host has no route to the destination: it has no address of that family, or the destination is in none of its subnets and there is no gateway or other route.", "ip_route_output_key_hash";
    NoSuchAddress = "S4", Withholding, "No device has this address", "No device has the IP address, so nothing answers for it.", "arp_process";
    WrongNeighbour = "S5", Withholding, "Wrong MAC address for the neighbour", "The sender's neighbour entry gives the destination a MAC address that it does not have, or no longer has, so the destination does not accept the frame.", "neigh_resolve_output";
    NotForwarding = "S6", Withholding, "The host does not forward", "The packet is for another host's IP address, and this host does not forward it: it is no router, or the address is not to be forwarded to.", "ip_forward";
    ReversePath = "S7", Withholding, "Reverse path filter", "rp_filter: packets to the source would leave by another interface, or by none, so the packet is taken for a forged one.", "fib_validate_source";
    MartianSource = "S8", Withholding, "Impossible source address", "The source address is the receiver's own IP address, or one that no host can have, so the packet is dropped.", "fib_validate_source";
    ArpIgnored = "S9", Withholding, "ARP request ignored", "arp_ignore or arp_filter: the host has the address, and does not answer for it on this interface.", "arp_ignore, arp_filter";
    HopLimit = "S10", Withholding, "Time exceeded", "The packet's TTL or hop limit ends at this router.", "ip_forward";
    TooBigToForward = "S11", Withholding, "Too long for the next link", "The packet is longer than the MTU of the interface by which the router would send it.", "ip_forward";
    NoListener = "S12", Withholding, "Port unreachable", "No program listens on the UDP port.", "__udp4_lib_rcv";
    EchoToGroup = "S13", Withholding, "Echo requests to everyone are not answered", "The host does not answer echo requests to a broadcast or multicast address (icmp_echo_ignore_broadcasts).", "icmp_echo";

    IpConfigRefused = "S14", Refusal, "Changing addresses and routes", "An address or route that is there cannot be added, one that is missing cannot be removed, and a route needs an interface that is up and a gateway that is a neighbour.", "fib_table_insert, inet_insert_ifa";

    // Policies of other networks.
    PolicyForged = "P1", Withholding, "Forged transmits rejected", "The virtual switch rejects frames whose source MAC address is not the NIC's own.", "vSphere: Forged transmits";
    PolicyPromiscuous = "P2", Withholding, "Promiscuous mode rejected", "The virtual switch delivers only broadcasts, groups, and frames for the NIC's own MAC address.", "vSphere: Promiscuous mode";
    PolicyMacChange = "P3", Withholding, "MAC changes rejected", "The NIC no longer has the MAC address that it was given, so the virtual switch blocks its port.", "vSphere: MAC address changes";
    PolicyWifi = "P4", Withholding, "One MAC address per association", "An access point accepts and delivers frames only for the MAC address that associated, the NIC's own.", "IEEE 802.11 clause 9.3.2 (three-address format)";
    PolicyCloud = "P5", Withholding, "Unassigned MAC or IP address", "The cloud's network drops frames whose MAC or IP address is not assigned to the NIC.", "source/destination check of cloud networks";
}
