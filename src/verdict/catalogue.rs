//! The rule catalogue: every rule with its id, its kind, its title, its reason in one sentence and its counterpart.

use super::rule::rules;

rules! {
    // What the parent knows.
    ActiveTable = "R1", Ground, "The parent's table", "A parent knows its ports that are up by their addresses; a port that is down is not in its table.", "macvlan_hash_add, macvlan_hash_del";
    NothingLearned = "R2", Ground, "Nothing is learned", "Receiving looks at addresses, modes, group filters and source lists only, and nothing is learned from frames.", "macvlan_handle_frame";
    NoPorts = "R3", Forwarding, "No macvlan on this device", "Without a port on it the device has no macvlan hook, so every frame goes to its host stack.", "netdev_rx_handler_register";

    // Receive: a frame arrives at the parent.
    ReceiveOrder = "R10", Ground, "Order of receiving", "The tag is set aside, the tap sees the frame, source ports get their copies, then the unicast or the multicast rules apply.", "__netif_receive_skb_core";
    TapSeesAll = "R11", Ground, "The tap comes first", "The parent's tap sees every frame that comes in, whatever happens to it next.", "__netif_receive_skb_core";
    UnicastToNoPort = "R12", Forwarding, "No port has this address", "No active port has the destination address, so the frame goes to the host stack.", "macvlan_handle_frame";
    UnicastToSourcePort = "R13", Forwarding, "A source port never receives by its address", "The destination is a source port's address, and such a port hears only listed senders; the host stack gets the frame.", "macvlan_handle_frame";
    UnicastToPort = "R14", Forwarding, "Unicast to a port", "The destination is this port's address; neither its mode nor the sender's address is asked.", "macvlan_handle_frame";
    SourceLookup = "R16", Ground, "Broadcasts look up their source", "Who gets a broadcast or multicast depends on whether its source address is one of the parent's active ports.", "macvlan_handle_frame";
    OwnBroadcastBack = "R17", Forwarding, "A reflected broadcast goes back to its sender alone", "The source address is that of a private, source or passthru port, so the frame goes to that port and to nobody else.", "macvlan_handle_frame";
    FloodFromOutside = "R18", Forwarding, "A stranger's broadcast", "No active port has the source address, so every private, vepa, bridge and passthru port that wants the frame gets it.", "macvlan_multicast_rx";
    FloodFromVepa = "R19", Forwarding, "A vepa port's broadcast came back", "The source is a vepa port, so the other vepa and bridge ports get the frame; private ports and the sender do not.", "macvlan_multicast_rx";
    FloodFromBridge = "R20", Forwarding, "A bridge port's broadcast came back", "The source is a bridge port, whose bridge siblings had their copy before it left, so only vepa ports get the frame.", "macvlan_multicast_rx";
    SourceModeNotFlooded = "R21", Withholding, "Source ports get no floods", "A port in source mode gets no flooded frame, only what its listed senders send.", "macvlan_broadcast";
    GroupNotWanted = "R22", Withholding, "The group filter", "The port has not joined this group and is neither promiscuous nor all-multicast.", "macvlan_compute_filter, macvlan_broadcast";
    PauseNotFlooded = "R23", Withholding, "PAUSE is not flooded", "The ethertype behind at most one tag is 0x8808 (MAC control), which is not flooded to ports.", "macvlan_broadcast";
    MulticastToHost = "R24", Forwarding, "The host stack hears broadcasts too", "A broadcast or multicast that is flooded to ports goes to the host stack as well, whatever it has joined.", "macvlan_handle_frame";
    FilterIsAHash = "R25", Ground, "The kernel's group filter is a hash", "The kernel keeps a port's groups in 256 hash buckets, so it sometimes delivers a group that nobody joined; here the filter is exact.", "mc_hash";

    // Transmit: a port sends.
    BridgeLocalUnicast = "R30", Forwarding, "Bridge mode delivers locally", "Sender and destination are active bridge ports of one parent, so the frame enters the parent's receive path and never the wire.", "macvlan_queue_xmit";
    BridgeLocalFlood = "R31", Forwarding, "Bridge mode copies broadcasts locally", "The sender is a bridge port, so its active bridge siblings get a copy of the broadcast directly, and it leaves on the wire as well.", "macvlan_queue_xmit, macvlan_broadcast";
    ToWire = "R32", Forwarding, "Out on the wire", "Only bridge ports reach each other locally; everything else that a port sends goes out on the wire unchanged.", "macvlan_queue_xmit";
    AnySource = "R33", Ground, "Any source address", "The source address of a frame that a port sends is neither checked nor changed.", "macvlan_start_xmit";
    HostToWire = "R34", Forwarding, "The host stack sends on the wire", "What the host stack sends on the parent goes out on the wire; the parent's ports see it only if the wire sends it back.", "__dev_queue_xmit";
    ReflectedIsIncoming = "R35", Ground, "A reflected frame is an incoming frame", "What a hairpin switch sends back is treated like any other frame that arrives.", "macvlan_handle_frame";
    FloodsAreQueued = "R36", Ground, "Broadcasts are queued", "The kernel floods broadcasts from a queue, so they may arrive after later unicast frames.", "macvlan_broadcast_enqueue, macvlan_process_broadcast";
    FloodOtherMode = "R31a", Withholding, "Not a bridge port", "Local copies of a broadcast go to active bridge ports only.", "macvlan_broadcast";
    FloodNotPrivate = "R19a", Withholding, "Private ports do not hear their siblings", "The sender is a sibling port, and a private port gets no sibling's broadcasts.", "macvlan_multicast_rx";
    FloodNotTwice = "R20a", Withholding, "Not a second copy", "The sender is a bridge port, whose reflected broadcasts go to vepa ports only; bridge siblings had theirs before it left.", "macvlan_multicast_rx";
    FloodNotSelf = "R19b", Withholding, "Not back to the sender", "The source address is the port's own, and a vepa or bridge port does not get its own broadcast back.", "macvlan_broadcast";
    PortDown = "R1a", Withholding, "The port is down", "A port that is down is not in the parent's table and receives nothing.", "macvlan_stop";

    // Source mode.
    SourceCopy = "R40", Forwarding, "A listed sender", "The sender's address is in this source port's list, so the port gets a copy whatever the destination.", "macvlan_forward_source (since Linux 3.18)";
    SourceCopyType = "R41", Ground, "Packet type of a source copy", "A source port sees its copy as the parent saw the frame, or as host if the destination is its own address.", "macvlan_forward_source_one";
    SourceNodst = "R42", Withholding, "nodst: nobody else gets it", "A source port with the nodst flag lists the sender, so nobody else gets the frame, not even if that port is down.", "macvlan_forward_source (since Linux 5.13)";
    SourceNotListed = "R43", Withholding, "Not a listed sender", "The port is in source mode and its list does not name the sender.", "macvlan_forward_source";
    SourceList = "R44", Refusal, "Editing a source list", "Only a source port has a list, and only unicast addresses can be put on it.", "macvlan_changelink_sources";
    SourceTransmit = "R45", Ground, "A source port sends on the wire", "What a source port sends goes out on the wire, even to a bridge sibling.", "macvlan_queue_xmit";

    // Passthru.
    PassthruAlone = "R50", Refusal, "Passthru takes the parent alone", "A passthru port is the only port on its parent and has the parent's address.", "macvlan_common_newlink";
    PassthruUnicast = "R51", Forwarding, "Passthru takes all unicast", "The parent has a passthru port, which gets every unicast frame whatever its destination.", "macvlan_handle_frame";
    PassthruDown = "R51a", Withholding, "The passthru port is down", "The parent has a passthru port that is down; unicast is dropped and the host stack gets none while the port exists.", "macvlan_handle_frame";
    PassthruMulticast = "R52", Ground, "Passthru and broadcasts", "Broadcasts and groups follow the usual rules on a parent with a passthru port: its filter applies and the host stack gets them too.", "macvlan_handle_frame";
    PassthruAddress = "R53", Ground, "Passthru shares the address", "Setting a passthru port's address sets its parent's and the other way round, and deleting the port undoes what the port changed.", "macvlan_set_mac_address, macvlan_port_destroy";
    PassthruPromiscuity = "R54", Ground, "nopromisc", "The nopromisc flag decides only whether a passthru port makes its parent promiscuous.", "macvlan_open, macvlan_changelink";

    // Queue of broadcasts.
    QueueZero = "R60", Withholding, "The broadcast queue has no room", "The parent's broadcast queue length is 0, so what would be queued is not flooded at all.", "macvlan_broadcast_enqueue (a length set by hand since Linux 5.11)";
    QueueEverything = "R61", Ground, "What is queued", "On a parent without a hardware address filter everything multicast is queued, as its promiscuity opens the filter.", "macvlan_recompute_bc_filter";
    ParentFilter = "R62", Withholding, "The parent's own group filter", "The filter in front of all ports of the parent, as it was when last loaded, does not pass this group.", "macvlan_recompute_bc_filter, macvlan_handle_frame";

    // Packet types, tags, lengths.
    PacketTypes = "R70", Ground, "Packet types", "The tap and the host stack see a frame's type by the parent's address, a station by its own, and a port sees its unicast as host.", "eth_type_trans";
    TaggedToHost = "R71", Forwarding, "A VLAN the host stack does not have", "The frame has a VLAN id above 0 and the device no such sub-interface, so the host stack sees it as somebody else's.", "__netif_receive_skb_core";
    Runt = "R72", Withholding, "Too short for its tag", "A tagged frame of fewer than 20 bytes vanishes on arrival: the link counts it and no tap sees it.", "skb_vlan_untag";
    RuntSend = "R72a", Refusal, "Too short to send", "A frame of fewer than 14 bytes cannot be sent.", "packet_snd";
    TooLongToSend = "R73", Refusal, "Longer than the mtu", "The frame is longer than the device's mtu and header allow (4 bytes more behind an outer 0x8100 tag).", "packet_snd";
    TooLongToReceive = "R74", Withholding, "Too long for the receiving end", "The frame is longer than the receiving end's mtu plus 18 bytes.", "is_skb_forwardable";

    // Refusals.
    CreateRefused = "R80", Refusal, "Creating a port", "Address, mode, source list, mtu, parent, passthru and name are checked in this order, and the first fault decides the error.", "macvlan_validate, macvlan_common_newlink";
    EnslavedParent = "R81", Refusal, "A parent that serves somebody else", "A device that is a bridge port or the loopback cannot be a parent.", "netdev_rx_handler_register";
    PortAsParent = "R82", Ground, "A port as parent", "A macvlan made on a macvlan sits on that one's parent.", "macvlan_common_newlink";
    AddressInUse = "R83", Refusal, "Two of one address", "A port cannot come up while its address is the parent's or an active sibling's.", "macvlan_open, macvlan_addr_busy";
    ChangeAddress = "R84", Refusal, "Changing a port's address", "A new address must be unicast and neither the parent's nor an active sibling's.", "macvlan_set_mac_address";
    ChangeParentAddress = "R85", Ground, "Changing the parent's address", "The parent's address is never refused for a clash with a port's.", "macvlan_device_event";
    ChangeMode = "R86", Refusal, "Changing the mode", "A port's mode cannot be changed to or from passthru; all other changes act on the next frame.", "macvlan_changelink";
    ChangeMtu = "R87", Refusal, "Changing the mtu", "A port's mtu is at least 68 and at most its parent's; lowering the parent's lowers its ports'.", "macvlan_change_mtu, dev_validate_mtu";
    JoinAndLeave = "R88", Refusal, "Joining and leaving groups", "Joining is never refused; leaving a group that was not joined is.", "dev_mc_add, dev_mc_del";
    SendDown = "R89", Refusal, "Sending on a device that is down", "A device that is down does not send, and one that does not exist has no operations.", "packet_snd";

    // Up, down, carrier.
    NoCarrier = "R90", Withholding, "No carrier", "The parent is down or its cable has no live other end, so what a port or the parent sends is discarded, local traffic too.", "macvlan_device_event, netif_stacked_transfer_operstate";
    IdleCable = "R91", Withholding, "Nobody on the wire", "The cable is connected and nobody listens at its other end.", "veth_xmit";
    ParentRemoved = "R92", Ground, "Deleting the parent", "Deleting a parent deletes its ports.", "macvlan_device_event";
    LocalCopyTooLong = "R93", Withholding, "Too long for this port's local copy", "A local copy of a broadcast must fit the receiving port's mtu plus 18 bytes; nothing else is limited by it.", "__dev_forward_skb";

    // Counters.
    CountTransmit = "R100", Counting, "A port's sent frames", "A port counts each frame it hands on, local or to the wire, with its full length.", "macvlan_start_xmit";
    CountUnicast = "R101", Counting, "A port's unicast and source copies", "Unicast and source copies count one packet and their length without the outer tag; the multicast counter does not move.", "macvlan_count_rx";
    CountFlood = "R102", Counting, "A port's floods from the parent", "A flooded frame counts one packet, its length without the outer tag, and one multicast.", "macvlan_count_rx";
    CountLocalCopy = "R103", Counting, "A port's local copies", "A local copy counts one packet, one multicast and its length as sent plus 14 bytes.", "macvlan_broadcast";
    CountOwnBack = "R104", Counting, "A port's own broadcast back", "A broadcast that comes back to its sender counts one packet of 0 bytes and no multicast.", "macvlan_handle_frame";
    CountTooLong = "R105", Counting, "A local copy that was too long", "A local copy that does not fit counts one receive error and two drops.", "macvlan_count_rx";
    CountNoCarrier = "R106", Counting, "Sending without carrier", "A frame discarded for lack of carrier counts as dropped and not as sent.", "macvlan_start_xmit";
    CountParent = "R107", Counting, "The parent's counters", "The parent counts what crosses its cable, full length; local traffic of bridge ports does not move its counters.", "veth_xmit";
    CountRefusedByPeer = "R108", Counting, "Refused by the other end", "A frame that the other end of the cable refuses counts as dropped at the sending port instead of sent.", "macvlan_start_xmit";

    // The switch.
    BadSource = "R120", Withholding, "An impossible source address", "The source address is multicast or zero; the switch drops the frame and learns nothing.", "br_handle_frame";
    ReservedLocal = "R121", Withholding, "A reserved group stays at the switch", "01:80:c2:00:00:02 to 0f are not forwarded, but the switch learns their source.", "br_handle_frame";
    ReservedPause = "R121a", Withholding, "PAUSE stops at the switch", "01:80:c2:00:00:01 is dropped and nothing is learned from it.", "br_handle_frame";
    Learn = "R122", Ground, "Learning", "The source address is learned on the port it came in on, and moves when it is seen elsewhere.", "br_fdb_update";
    StaticMoves = "R123", Ground, "Static entries move, sticky ones stay", "A static entry moves when its address is seen on another port; only a sticky one does not.", "br_fdb_update (sticky since Linux 4.20)";
    Ageing = "R124", Ground, "Ageing", "A learned entry goes when its address was not seen as a source for the ageing time.", "br_fdb_cleanup";
    KnownUnicast = "R125", Forwarding, "Known unicast", "The forwarding database says behind which port the destination is, so the frame leaves there and nowhere else.", "br_forward";
    UnknownUnicast = "R125a", Forwarding, "Unknown unicast is flooded", "The forwarding database does not know the destination, so the frame leaves by every port that floods unknown unicast.", "br_flood";
    SwitchBroadcast = "R125b", Forwarding, "Broadcast is flooded", "A broadcast leaves by every port that floods broadcasts.", "br_flood";
    SwitchMulticast = "R125c", Forwarding, "Groups are flooded", "A group frame leaves by every port that floods multicast.", "br_flood";
    FloodFlagOff = "R125d", Withholding, "The port does not flood this", "The port's flag for flooding unknown unicast, multicast or broadcast is off.", "br_flood";
    NoHairpin = "R126", Withholding, "Not back by the port it came in on", "The frame would leave by its arrival port, and hairpin is off there.", "should_deliver";
    Hairpin = "R126a", Forwarding, "Hairpin", "Hairpin is on, so the frame leaves by the port it came in on: it is reflected.", "should_deliver";
    Isolated = "R127", Withholding, "Isolated ports", "Both ports are isolated (a port and itself included), so nothing passes between them.", "should_deliver, br_skb_isolated (since Linux 4.18)";
    SwitchPortDown = "R128", Withholding, "The switch port has no carrier", "A port without carrier gets nothing, and what was learned there is forgotten, unless the port was disabled by hand before.", "br_stp_disable_port";
    LearningOff = "R129", Ground, "Learning off", "Without learning on a port, frames for the addresses behind it are flooded.", "br_handle_frame_finish";
    SwitchIgnoresTags = "R130", Ground, "Tags are ignored", "Without VLAN filtering, tags play no part in learning and forwarding.", "br_handle_frame_finish";
    SwitchOwnAddress = "R131", Ground, "The switch's own address", "The destination is the switch's own device, which has an address only if it is the parent of ports.", "br_handle_frame_finish";
    NothingToFloodTo = "R125e", Withholding, "No port takes the flood", "The frame is to be flooded and no port may send it.", "br_flood";
    VlanNotMember = "R132", Withholding, "Not a member of this VLAN", "VLAN filtering is on and the port is not a member of the frame's VLAN, or has no VLAN for untagged frames.", "br_allowed_ingress, br_allowed_egress";
    SwitchPorts = "R133", Refusal, "As many ports as a bridge takes", "A bridge takes no more than 1023 ports.", "br_add_if, find_portno";
    Locked = "R140", Withholding, "A locked port", "The port is locked, and the source address has no forwarding entry on this very port.", "br_handle_frame_finish (since Linux 5.18)";
    LockedMoves = "R141", Ground, "A locked port's address can move", "An address seen on an unlocked port moves there, which shuts the locked port for it.", "br_fdb_update";
    LockedReserved = "R142", Ground, "Reserved frames open a locked port", "A reserved frame that stays at the switch skips the lock and still teaches its source address.", "br_handle_frame";
    PortStateIn = "R150", Withholding, "The port's state lets nothing in", "The arrival port is disabled, listening or learning, so the frame is not forwarded.", "br_handle_frame";
    PortStateOut = "R150a", Withholding, "The port's state lets nothing out", "The port is disabled, listening or learning, so nothing leaves by it.", "should_deliver";
    StateKeepsEntries = "R151", Ground, "A change of state forgets nothing", "Addresses behind a port whose state was changed by hand stay known, so their frames are dropped instead of flooded.", "br_set_state";
    StateRefused = "R152", Refusal, "Setting a port's state", "The state must be 0 to 4, and a port without carrier takes only 0.", "br_set_port_state";
    FdbRefused = "R153", Refusal, "Editing the forwarding database", "A dynamic entry needs a port with carrier in state learning or forwarding; an address that is there cannot be added, one that is not cannot be deleted.", "fdb_add_entry, fdb_delete_by_addr_and_port";
    BridgeMask = "R155", Refusal, "The bridge's forwarding mask", "Bits 0, 1 and 2 are refused; bits 3 to 15 make 01:80:c2:00:00:03 to 0f ordinary groups.", "br_changelink";
    PortMask = "R156", Refusal, "A port's forwarding mask", "Only bit 1 is refused, so a port's mask can let LACP (02) through and the bridge's cannot.", "br_setport";
    MaskOfArrival = "R157", Ground, "The arrival port's mask counts", "A reserved group is forwarded if the bridge's mask or the arrival port's mask has its bit.", "br_handle_frame";
    PauseNeverForwarded = "R158", Ground, "01 is never forwarded", "No mask makes the switch forward 01:80:c2:00:00:01 or learn from it.", "br_handle_frame";

    // IPv4 fragments at a parent.
    FragmentsFirst = "R160", Ground, "Fragments are put together first", "A parent with a macvlan, up or down, puts multicast and broadcast IPv4 fragments together before anything else looks at them; ports and the host stack get one frame.", "macvlan_handle_frame, ip_check_defrag";
    FragmentsLeftAlone = "R161", Ground, "Fragments that stay as they are", "Unicast fragments, fragments behind two tags and a bridge port's local copies pass unchanged.", "ip_check_defrag";
    FragmentKey = "R162", Ground, "Which fragments belong together", "IP source, IP destination, identification and protocol decide, and neither addresses nor tags of the frames.", "ip4_obj_cmpfn";
    FragmentResult = "R163", Ground, "What the fragments become", "The frame has the Ethernet header, tag and IP header of the part with offset 0, and the data of all.", "ip_frag_reasm";
    FragmentsAnyLength = "R164", Ground, "A datagram may exceed the mtu", "Ports take the datagram whatever its length and count it once; the parent counts the fragments.", "macvlan_count_rx";
    FragmentHeld = "R165", Withholding, "A fragment waits for the others", "The frame is a part of an IPv4 datagram of which others are missing; it is held back, and one frame with all of them goes on when the last arrives.", "ip_frag_queue";
    FragmentOverlap = "R166", Withholding, "Overlapping fragments", "The part overlaps what is held of its datagram, so the whole datagram is thrown away.", "inet_frag_queue_insert";
    FragmentTwice = "R166a", Withholding, "A fragment that is there already", "The part's data lies within one stretch that is held already, so the part alone is dropped.", "inet_frag_queue_insert";
    FragmentImpossible = "R167", Withholding, "An impossible fragment", "The part has no data, or contradicts the known end of its datagram, so the whole datagram is thrown away.", "ip_frag_queue";
    FragmentsTooLong = "R167a", Withholding, "Longer than a datagram can be", "All parts are there, and together they exceed 65,535 bytes, so the datagram is thrown away.", "ip_frag_reasm";
    FragmentEcn = "R168", Withholding, "Fragments that disagree about ECN", "All parts are there, and some are not ECN-capable while others are, so the datagram is thrown away.", "ip_frag_reasm, ip_frag_ecn_table";
    FragmentTag = "R169", Ground, "Tagged fragments", "Ports see the tag of the part with offset 0, and the host stack goes by it.", "ip_frag_reasm";
    FragmentsTooFar = "R169a", Withholding, "Fragments too far apart", "Parts are kept for 30 s, and while fewer than 64 fragments of other datagrams of their IP source come in between; what waited longer is thrown away, and this one waits anew.", "ip_frag_too_far, ip_expire";
    FragmentsFull = "R169b", Withholding, "No room for fragments", "The fragments held take more than 4 MiB, so every further one is thrown away.", "inet_frag_find";

    // The queue of broadcasts, and deep tags.
    QueueOverflow = "R190", Ground, "A full queue", "A broadcast that finds the parent's queue full is lost for all ports alike; how many are is a race that a lab does not run.", "macvlan_broadcast_enqueue";
    CutOff = "R191", Ground, "The broadcast cut-off", "The cut-off is one value for each parent, set by the last port that gives one.", "update_port_bc_cutoff (since Linux 6.4)";
    CutOffBelowZero = "R192", Ground, "Cut-off below 0", "Nothing waits in the queue: broadcasts are handed out at once, and the queue's length has no effect.", "macvlan_recompute_bc_filter";
    CutOffGroups = "R193", Ground, "Cut-off and groups", "Broadcasts wait always, groups if more ports than the cut-off have joined them; on a promiscuous parent everything waits.", "macvlan_recompute_bc_filter";
    DeepTags = "R195", Ground, "Deep tags", "Matching, filters and byte counts set only the outermost tag aside.", "skb_vlan_untag";
    HostPeelsTags = "R196", Ground, "The host stack peels priority tags", "Tags with id 0 are peeled off one by one, and the first id above 0 makes the frame somebody else's.", "__netif_receive_skb_core";
    TagAllowance = "R197", Ground, "Four bytes for one tag", "Only an outer 0x8100 tag may make a sent frame 4 bytes longer than the mtu and header allow.", "packet_snd";

    // macvtap.
    TapIsMacvlan = "R200", Ground, "A macvtap is a macvlan", "A macvtap follows the rules of its mode, beside macvlans on the same parent.", "macvtap_newlink";
    TapOpened = "R201", Ground, "A macvtap that is open", "A program that has the device node open gets the port's frames instead of the port's host stack.", "tap_handle_frame";
    TapRead = "R202", Ground, "Reading from the node", "The reader gets ten bytes of header and the frame as on the wire, tag included.", "tap_do_read";
    TapWrite = "R203", Refusal, "Writing to the node", "What is written is sent by the port whatever its source address and mtu; fewer than 14 bytes are refused.", "tap_get_user";
    TapWriteLost = "R204", Withholding, "Written and gone", "The macvtap is down or has no carrier: the write succeeds, and the frame is gone.", "tap_get_user";
    TapQueueFull = "R205", Withholding, "The reader's queue is full", "The macvtap's reader has 500 frames waiting, so the frame is lost: received and dropped.", "tap_handle_frame";

    // Other parents.
    PromiscuousParent = "R210", Ground, "A promiscuous parent", "Promiscuous or all-multicast by hand changes no rule; only the parent's group filter reads it when it is next loaded.", "macvlan_compute_filter";
    OtherParents = "R211", Ground, "Other parents", "On a tap, vxlan or bridge device the same rules hold, and each becomes promiscuous as a veth does.", "dev_uc_add";

    // The switch's own device as a parent.
    SwitchOwnSees = "R212", Ground, "A bridge as parent sees everything", "Ports on the switch's own device make it promiscuous, so it and they see all that the switch takes in.", "br_pass_frame_up";
    SwitchOwnSends = "R213", Ground, "The switch's own device sends", "What the switch's own device sends goes to the ports by the forwarding database; nothing is learned from it.", "br_dev_xmit";

    // The NIC's hardware filter.
    HardwareFilter = "N1", Withholding, "The NIC's address filter", "The NIC is not promiscuous and the destination is neither its own address nor one in its filter.", "__dev_set_rx_mode; the hardware's filter";
    HardwareGroupFilter = "N2", Withholding, "The NIC's group filter", "The NIC is neither promiscuous nor all-multicast and nobody on it has joined the group.", "__dev_set_rx_mode; the hardware's filter";
    NicDown = "N3", Withholding, "The NIC is down", "The device is down and takes nothing from its cable.", "veth_xmit";

    // 802.1Q sub-interfaces.
    VlanReceive = "V1", Ground, "To the VLAN sub-interface", "The outer tag names a VLAN that has a sub-interface here, so the frame goes there without its tag, before the macvlan hook.", "vlan_do_receive";
    VlanTransmit = "V2", Forwarding, "Tagged and sent", "A VLAN sub-interface puts its tag on what it sends and hands it to the device below.", "vlan_dev_hard_start_xmit";
    VlanDown = "V3", Withholding, "The VLAN sub-interface is down", "The frame's VLAN has a sub-interface here that is down, so it is dropped.", "vlan_do_receive";

    // Cables and end points.
    CableDown = "C1", Withholding, "The other end is down", "The device at the other end of the cable is down, so the frame is lost.", "veth_xmit";
    StationReceive = "S1", Forwarding, "A station takes what its cable brings", "Whatever arrives on its cable is handed to the station, which looks at it if it is meant for it.", "eth_type_trans";
    StationTransmit = "S2", Forwarding, "A station sends", "What a station sends leaves on its cable.", "__dev_queue_xmit";

    // Policies of other networks.
    PolicyForged = "P1", Withholding, "Forged transmits rejected", "The virtual switch rejects frames whose source address is not the NIC's own.", "vSphere: Forged transmits";
    PolicyPromiscuous = "P2", Withholding, "Promiscuous mode rejected", "The virtual switch delivers only frames for the NIC's own address, broadcasts and groups.", "vSphere: Promiscuous mode";
    PolicyMacChange = "P3", Withholding, "MAC changes rejected", "The NIC's address is no longer the one it was given, and the virtual switch shuts its port for that.", "vSphere: MAC address changes";
    PolicyWifi = "P4", Withholding, "One address per association", "An access point takes and delivers frames only for the address that associated, the NIC's own.", "IEEE 802.11 clause 9.3.2 (three-address format)";
    PolicyCloud = "P5", Withholding, "Unknown MAC or IP", "The cloud's network drops frames whose MAC or IP address is not the one assigned to the NIC.", "source/destination check of cloud networks";
}
