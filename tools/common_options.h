// The options that more than one command has.
#pragma once

#include <string>
#include <vector>

#include "tools/command.h"

namespace cv::tools {

inline constexpr Option kHelp{'h', "help", "", "show how the command is called and end", "", true};
inline constexpr Option kVersion{0, "version", "", "show the version and end", "", true};
inline constexpr Option kVerbose{'v', "verbose", "", "say more; up to four times", "", true};
inline constexpr Option kQuiet{'q', "quiet", "", "say nothing but warnings and errors", "", true};
inline constexpr Option kYes{'y', "yes", "", "answer every question with yes", "", true};
inline constexpr Option kTest{'t', "test", "", "show what would be done and change nothing", "", true};
inline constexpr Option kDevices{
    0, "devices", "PV[,PV...]", "look at these block devices and regular files only", "", true};
inline constexpr Option kDevicesFile{
    0, "devicesfile", "NAME",
    "look at the devices that this file of the devices folder lists; an empty name: at all devices"};
inline constexpr Option kConfig{
    0, "config", "SECTION/KEY=VALUE", "configuration that goes before that of the files", "", true};
inline constexpr Option kNoLocking{0, "nolocking", "", "take no lock on volume groups", "", true};
inline constexpr Option kKeepFormat{
    0,  "keep-format", "", "leave a group that is in the old form in it, where the change allows that",
    "", true};
inline constexpr Option kDriverLoaded{0, "driverloaded", "y|n",
                                      "n: change metadata only and leave device-mapper alone", "y|n"};
inline constexpr Option kReportFormat{0, "reportformat", "FORMAT",
                                      "how results and errors are written: basic, json or json_std",
                                      "basic|json|json_std"};

inline constexpr Option kNoUdevSync{
    0, "noudevsync", "", "end without waiting for udev to make nodes and links", "", true};

inline constexpr Option kAutoBackup{
    'A', "autobackup", "y|n",
    "n: write no archive before the change and no backup after it; otherwise as lvm.conf says", "y|n"};

OptionGroup options_of_every_command();
OptionGroup options_of_every_change();

inline constexpr Option kName{'n', "name", "NAME", "the name of the new volume", "", true};
inline constexpr Option kSize{'L', "size", "SIZE", "how large: a number and one of b, s, k, m, g, t, p, e"};
inline constexpr Option kExtents{'l', "extents", "N[%VG|%FREE|%PVS]",
                                 "how large, in extents or as a part of what there is"};
inline constexpr Option kActivate{'a', "activate", "y|n|ay", "whether it is active afterwards", "y|n|ay"};
inline constexpr Option kForce{'f', "force", "", "do it where it is refused without", "", true};
inline constexpr Option kAddTag{0, "addtag", "TAG", "give it this tag", "", true};
inline constexpr Option kDelTag{0, "deltag", "TAG", "take this tag away", "", true};
inline constexpr Option kAlloc{0, "alloc", "POLICY", "how extents are chosen",
                               "normal|contiguous|cling|cling_by_tags|anywhere|inherit"};

// Secrets.
inline constexpr Option kKeyFile{0, "keyfile", "FILE",
                                 "read the secret from this file instead of asking; -: from standard input"};
inline constexpr Option kKeyFileOffset{0, "keyfile-offset", "BYTES", "skip so many bytes of the key file"};
inline constexpr Option kKeyFileSize{0, "keyfile-size", "BYTES", "read so many bytes of the key file"};
inline constexpr Option kTries{0, "tries", "N", "how often a wrong passphrase may be typed; 3 if not given"};
inline constexpr Option kNoAskPassword{
    0, "no-ask-password", "", "ask nobody: without a key at hand it is an error", "", true};
inline constexpr Option kNoCache{0,  "nocache", "", "read the secret even where its key is at hand already",
                                 "", true};

// Key derivation of a new header.
inline constexpr Option kPbkdf{0, "pbkdf", "KDF", "key derivation of a new key slot",
                               "pbkdf2|argon2i|argon2id"};
inline constexpr Option kPbkdfMemory{0, "pbkdf-memory", "KIB", "memory that the derivation may use"};
inline constexpr Option kPbkdfParallel{0, "pbkdf-parallel", "THREADS", "threads that the derivation may use"};
inline constexpr Option kPbkdfForceIterations{0, "pbkdf-force-iterations", "N",
                                              "iterations of the derivation, without measuring"};
inline constexpr Option kIterTime{0, "iter-time", "MILLISECONDS",
                                  "how long opening shall take on this machine"};

// The new secret of commands that ask for an old one too.
inline constexpr Option kNewKeyFile{0, "new-keyfile", "FILE",
                                    "read the new secret from this file; -: from standard input"};
inline constexpr Option kNewKeyFileOffset{0, "new-keyfile-offset", "BYTES",
                                          "skip so many bytes of the new key file"};
inline constexpr Option kNewKeyFileSize{0, "new-keyfile-size", "BYTES",
                                        "read so many bytes of the new key file"};

/// The tags that --addtag or --deltag names, with or without a leading @. Throws Errc::bad_name.
std::vector<std::string> tags(const Arguments& arguments, const Option& option);

/// Where the secret comes from: for every command that opens a store.
OptionGroup secret_options();
/// How a new key slot is made: for commands that make a store.
OptionGroup derivation_options();

}  // namespace cv::tools
