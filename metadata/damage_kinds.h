// Every kind of damage that is looked for: the one table of ids. Messages, cvck(8) and 'cvm explain' come
// from it.
#pragma once

#include <array>
#include <string_view>

namespace cv::metadata {

enum class Severity {
  note,     ///< nothing is wrong; good to know
  warning,  ///< all works, yet something is out of order, or mends itself with the next change
  error     ///< data is out of reach or in danger, or the group can't be changed
};

struct DamageKind {
  std::string_view id;  ///< stable
  Severity severity;
  std::string_view meaning;  ///< sentences
  std::string_view
      advice;  ///< one clause in lower case, without a full stop; a finding may know a better one
};

inline constexpr auto kDamageKinds = std::to_array<DamageKind>({
    // ---- the group as a whole
    {"VG-NAME", Severity::error,
     "The name of the group is not one that LVM2 takes, so no change of the group can be written.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"VG-SAME-NAME", Severity::error,
     "Two different groups have the same name; which one a command means can't be told.",
     "choose the devices of one of them with --devices, and rename it"},
    {"VG-UNREADABLE", Severity::error, "Devices hold metadata of a group, and no copy of it can be read.",
     "restore it from a backup with vgcfgrestore; look at stock's messages with pvck --dump headers"},
    {"VG-EXTENT-SIZE", Severity::error, "The extent size is 0: nothing can be located.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"VG-MAX-PV", Severity::error, "The group has more physical volumes than its own limit allows.",
     "raise the limit with vgchange --maxphysicalvolumes"},
    {"VG-MAX-LV", Severity::error, "The group has more visible volumes than its own limit allows.",
     "raise the limit with vgchange --logicalvolume"},
    {"VG-EXPORTED", Severity::note,
     "The group is exported: nobody may change or activate it until it is imported.",
     "import it with vgimport"},
    {"VG-FOREIGN", Severity::note,
     "The group belongs to another host by its system id. What is found may change while it is being "
     "looked at.",
     "use it on that host, or take it over with vgchange --systemid"},
    {"VG-LOCK-TYPE", Severity::note,
     "The group is locked by a lock manager, which this program does not speak to.",
     "use LVM2 with lvmlockd for this group"},
    {"VG-CLUSTERED", Severity::note, "The group has the flag of the old cluster locking.",
     "clear the flag with vgchange --locktype none where no other host uses it"},
    {"VG-READ-ONLY", Severity::note, "The group may not be changed.", "make it writable with vgchange -p rw"},
    {"VG-SEED-FORM", Severity::warning,
     "Encrypted volumes are written in the form of the 2009 RFC: stock LVM2 counts their extents as "
     "free, and can't read a group at all where a store has no extents.",
     "any change through cvm brings it into the present form; 'cvck --repair --native-form' does it "
     "now, and nothing moves"},
    {"VG-TAG", Severity::warning,
     "A tag has letters that LVM2 does not allow: it refuses every change of the group.",
     "remove the tag with --deltag"},
    // ---- physical volumes
    {"DEVICE-READ", Severity::error, "A device could not be read.",
     "look at the kernel log; replace the device or its cable"},
    {"PV-LABEL", Severity::warning,
     "A sector begins like a label and is none: its checksum, its place, its type or its content is "
     "wrong. A device without another label is no physical volume.",
     "compare the device with a backup, or write its label anew with stock's pvcreate --restorefile "
     "--uuid"},
    {"PV-LABEL-TWICE", Severity::warning, "A device has more than one good label; the first one counts.",
     "zero the sector of the other one when you are sure that it is a leftover"},
    {"PV-LABEL-OLD", Severity::warning,
     "The label has an old extension, or none, and so does not say whether its volume is in use.",
     "'cvck --repair', or any change of the group, brings it up to date"},
    {"PV-LABEL-START", Severity::warning,
     "Label and metadata differ in where the data of the physical volume begins; the metadata counts.",
     "keep the label as it is, unless you know why"},
    {"PV-NOT-MARKED", Severity::warning,
     "The label does not say that the physical volume is in use by a group: a careless pvcreate may "
     "take it.",
     "'cvck --repair', or any change of the group, marks it"},
    {"PV-USED", Severity::warning,
     "The label says that the physical volume is in a group, and no group that can be read has it.",
     "attach the other devices of its group; where there is none any more, 'cvm pvremove --force' "
     "frees it"},
    {"PV-MISSING", Severity::error,
     "A physical volume of the group is not there, or was marked as missing while the group was "
     "changed without it.",
     "attach the device, or give it up with 'vgreduce --removemissing'"},
    {"PV-DUPLICATE", Severity::error,
     "Two devices have the same id, as after a copy with dd or with one path of a multipath device "
     "visible.",
     "hide the copy with a filter or --devices, or give it a new id"},
    {"PV-DUPLICATE-ID", Severity::error, "The metadata lists one physical volume twice.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"PV-TWO-GROUPS", Severity::error,
     "Two groups both list a physical volume as theirs: a change of one would overwrite the other.",
     "decide which group it belongs to, and restore the other one from a backup with vgcfgrestore"},
    {"PV-OUTDATED", Severity::warning,
     "A physical volume holds old metadata of a group that has gone on without it.",
     "'cvck --repair' takes the old metadata off it; then it can be used as a new one"},
    {"PV-OTHER-GROUP", Severity::warning,
     "A metadata area of a member of a group holds the text of another group.",
     "see whether the other group is still needed; a change of the group that has the physical volume "
     "overwrites the text"},
    {"PV-TRUNCATED", Severity::warning, "The device is smaller than its physical volume.",
     "enlarge the device, or shrink the physical volume with pvresize"},
    {"PV-TRUNCATED-DATA", Severity::error,
     "The device is smaller than its physical volume, and volumes lie on what is missing.",
     "enlarge the device before anything is written to its end"},
    {"PV-SIZE", Severity::error, "The physical volume has more extents than LVM2 can count.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"PV-EXTENTS", Severity::warning,
     "The extents of the physical volume reach beyond the size that the metadata gives for it.",
     "restore the metadata from a backup with vgcfgrestore, or run pvresize"},
    {"PV-ALIGNMENT", Severity::error,
     "Data begins inside a block of the device: it can't be activated there.",
     "move the volumes to another device with stock's pvmove, or restore them from a backup"},
    {"PV-NO-AREA", Severity::note, "The physical volume keeps no copy of the metadata.",
     "nothing needs to be done where other physical volumes of the group have copies"},
    // ---- copies of the metadata
    {"METADATA-HEADER", Severity::warning,
     "The header of a metadata area can't be used: checksum, magic number, version, start or size is "
     "wrong. Other copies are used.",
     "'cvck --repair' writes it anew from another copy"},
    {"METADATA-TEXT", Severity::warning,
     "The text in a metadata area can't be used: its place or its checksum is wrong. Other copies are "
     "used.",
     "'cvck --repair' writes it anew from another copy"},
    {"METADATA-UNKNOWN", Severity::error,
     "The text in a metadata area is intact and can't be understood: a newer LVM2 may have written it. "
     "It may be newer than the copy that is read, so nothing is written.",
     "look at the text with pvck --dump metadata; change the group with the program that wrote it, or "
     "restore it with vgcfgrestore"},
    {"METADATA-STALE", Severity::warning, "A copy of the metadata is older than the newest one.",
     "'cvck --repair', or the next change of the group, brings it up to date"},
    {"METADATA-EMPTY", Severity::warning, "A metadata area of a member of the group holds no text.",
     "'cvck --repair', or the next change of the group, brings it up to date"},
    {"METADATA-CONFLICT", Severity::error,
     "Two copies of the metadata have the same number and different contents, as after two hosts wrote "
     "at once. The first is read, nothing is written.",
     "compare both with pvck --dump metadata, then restore one with vgcfgrestore"},
    {"METADATA-ANNOUNCED", Severity::warning,
     "A header announces a text that was never made valid: a change was interrupted. Readers pass over "
     "it.",
     "'cvck --repair', or the next change of the group, clears it"},
    {"METADATA-IGNORED", Severity::note,
     "A metadata area is set to be ignored, since the group keeps fewer copies than there are areas.",
     "nothing needs to be done"},
    {"METADATA-ONE-COPY", Severity::note,
     "A group of several physical volumes has its metadata in one place only: with that device the "
     "whole group is lost.",
     "let further physical volumes keep copies with vgchange --vgmetadatacopies or pvchange "
     "--metadataignore n"},
    {"SPLIT-UNFINISHED", Severity::warning,
     "A vgsplit was interrupted: two groups share physical volumes until it is finished.",
     "'cvck --repair' and the next change of either group finish it"},
    {"METADATA-FULL", Severity::warning,
     "The metadata takes most of the room that there is for it: soon changes will be refused.",
     "add a physical volume with a larger area (pvcreate --metadatasize), and take those with small "
     "ones out of use (pvchange --metadataignore y)"},
    {"METADATA-IN-DATA", Severity::error,
     "A metadata area and the extents of the physical volume share bytes: one of both is damaged, and "
     "nothing can be written there.",
     "restore the label with stock's pvcreate --restorefile --uuid"},
    // ---- volumes
    {"LV-NAME", Severity::error,
     "The name of a volume is not one that LVM2 takes, so no change of the group can be written.",
     "rename the volume"},
    {"LV-RESERVED-NAME", Severity::warning,
     "A volume has a name that is kept for keystores or for the data of encrypted volumes, and is "
     "neither.",
     "rename it with lvrename"},
    {"LV-NAME-LIKE-PV", Severity::warning,
     "A volume is called like a physical volume in the text (pv0): areas that name it may be taken for "
     "that one.",
     "rename it with lvrename"},
    {"LV-DUPLICATE-NAME", Severity::error, "Two volumes of a group have one name.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-DUPLICATE-ID", Severity::error, "Two volumes of a group have one id: LVM2 refuses every change.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-EMPTY", Severity::error, "A volume has no segment: stock LVM2 can't read the group.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-EMPTY-SEGMENT", Severity::error, "A segment has no extents: stock LVM2 can't read the group.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-GAP", Severity::error, "The segments of a volume don't follow each other without gap or overlap.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-SIZE", Severity::error, "A volume has more extents than LVM2 can count.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-STRIPES", Severity::error, "The stripes of a segment don't share out its extents.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-AREA-UNKNOWN", Severity::error,
     "A segment lies on a volume that the group does not have; where it is encrypted, its data can't "
     "be found.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-AREA-SELF", Severity::error, "A volume lies on itself.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-AREA-RANGE", Severity::error, "A segment reaches beyond the end of the volume that it lies on.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-PV-UNKNOWN", Severity::error, "A segment lies on a physical volume that the group does not have.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-PE-RANGE", Severity::error,
     "A segment reaches beyond the end of a physical volume: stock LVM2 can't read the group.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"LV-OVERLAP", Severity::error, "Two volumes use the same extent: what one writes destroys the other.",
     "stop using both, and restore the metadata from a backup with vgcfgrestore"},
    {"LV-EXTENTS-UNCLEAR", Severity::warning,
     "It can't be told which extents a volume of an unknown type uses; nothing is allocated in its "
     "group.",
     "change the group with the program that made the volume"},
    {"LV-ORDER", Severity::warning,
     "An encrypted volume stands before others in the text: GRUB may not find those.",
     "a change through cvm that adds an encrypted volume puts it right"},
    // ---- encrypted volumes and their data
    {"CRYPT-NO-STORE", Severity::error,
     "The keystore that an encrypted segment names does not exist: its key can't be had.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"CRYPT-ALIGNMENT", Severity::error, "A segment does not fit the encryption sectors of its keystore.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"CRYPT-IV-LIMIT", Severity::error, "The IVs of a segment lie past 2^63.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"CRYPT-IV-HIGH", Severity::error, "The mark of used IVs stands in another segment than the last.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"CRYPT-PAYLOAD-OFFSET", Severity::error,
     "A payload_offset stands behind the first segment, or leaves nothing of it.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"CRYPT-OLD-HEADER", Severity::warning,
     "An imported volume still has its LUKS header in front of its data: passphrases that were removed "
     "from the keystore open that one.",
     "wipe it with 'cvconvert --wipe-old-header'"},
    {"DATA-NO-OWNER", Severity::error,
     "A volume has the name of an encrypted volume's data, and no such volume exists.",
     "restore the metadata from a backup with vgcfgrestore, or rename it with lvrename"},
    {"DATA-TWO-OWNERS", Severity::error, "Two encrypted volumes or keystores lie on one data volume.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"DATA-TYPE", Severity::error, "The data of an encrypted volume is encrypted itself.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"DATA-COVER", Severity::error,
     "The segments of an encrypted volume or keystore use its data volume with a gap, or a part of it "
     "twice.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"DATA-NAME", Severity::warning, "A data volume is not called like its owner.",
     "a rename of its owner with cvrename puts it right"},
    {"DATA-VISIBLE", Severity::warning, "A data volume is visible: it can be mistaken for one to be used.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"DATA-UNLOCKED", Severity::warning,
     "A data volume does not have the status LOCKED, which keeps stock LVM2 from changing it.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"IV-OVERLAP", Severity::error,
     "Two encrypted volumes use the same IVs under one key: where their contents are equal at equal "
     "places, it can be seen.",
     "copy one of them to a new encrypted volume"},
    {"IV-OVERLAP-SEED", Severity::warning,
     "Two encrypted volumes of the RFC's form use the same IVs under one key: where their contents are "
     "equal at equal places, it can be seen.",
     "copy one of them to a new encrypted volume"},
    {"IV-NEXT", Severity::error, "A volume uses IVs that the keystore would give to the next one.",
     "restore the metadata from a backup with vgcfgrestore"},
    // ---- keystores
    {"STORE-SEGMENTS", Severity::error, "A keystore has more than one segment.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"STORE-SECTOR-SIZE", Severity::error,
     "The encryption sector of a keystore is neither 512 nor 4096 bytes.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"STORE-IV-LIMIT", Severity::error, "The next free IV of a keystore lies past 2^63.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"STORE-NO-BYTES", Severity::error, "A keystore with a LUKS header has no place for it.",
     "restore the metadata from a backup with vgcfgrestore"},
    {"STORE-EMPTY", Severity::warning, "A keystore has no extents: stock LVM2 can't see the group.",
     "the next change through cvm mends it"},
    {"STORE-UNUSED", Severity::warning, "No volume uses the keystore.",
     "create a volume with --keystore, or remove it with cvremove"},
    {"STORE-ERASING", Severity::warning,
     "A removal was interrupted: the keystore is to be overwritten and dropped.",
     "'cvck --repair', or the next change of the group, finishes it"},
    {"STORE-HANDLER", Severity::warning,
     "No key handler of that name is installed: the keystore is kept and shown, and its volumes can't "
     "be unlocked.",
     "install the handler"},
    {"STORE-ONE-DISK", Severity::warning,
     "Copies of a keystore lie on the same physical volume, and are lost together.",
     "move one of them to another physical volume"},
    {"STORE-FEW-COPIES", Severity::warning, "A keystore has fewer copies than were asked for.",
     "'cvm vgextend' adds a physical volume, which gets one; 'cvconvert --copies' puts one where there is "
     "room, "
     "or asks for fewer"},
    {"STORE-COPY-MISSING", Severity::warning, "A copy of a keystore can't be reached.",
     "attach the device that it lies on"},
    {"STORE-COPY-DAMAGED", Severity::warning,
     "A copy of a keystore is not what its trailer says, or its trailer is damaged. It may still open; "
     "other copies come first.",
     "any other copy serves; 'cvck --repair', the next unlocking or a change of the keystore writes it anew"},
    {"STORE-COPY-STALE", Severity::warning,
     "A copy of a keystore is older than the metadata says: passphrases that were removed may open it.",
     "'cvck --repair', the next unlocking or a change of the keystore writes it anew; where all copies are "
     "old, "
     "see with cvkey list and cvkey remove that the passphrases are what they should be"},
    {"STORE-COPY-FOREIGN", Severity::error,
     "The extents of a keystore's copy hold another keystore: the metadata was restored from a time "
     "before they were given away.",
     "restore the keystore from a backup with cvkey restore"},
    {"STORE-NO-COPY", Severity::error,
     "Not one copy of a keystore is as it should be. Where its handler can't load any, the data of its "
     "volumes is lost.",
     "try cvkey test; restore the keystore from a backup with cvkey restore"},
    {"STORE-OLD-TEXT", Severity::warning,
     "The copies of a keystore are newer than the metadata: an older text was restored.",
     "check with cvkey list that the passphrases are what they should be"},
    {"STORE-IV-NEXT", Severity::warning,
     "The copies of a keystore know that more IVs were used than the metadata says: a change did not "
     "finish, or an older text was restored.",
     "the next change through cvm raises the number; until then create no volume in this group with "
     "another program"},
});

}  // namespace cv::metadata
