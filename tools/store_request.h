// A keystore that a command line asks for: an existing one, or a new one with its attributes and its secret.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "activate/key_cache.h"
#include "metadata/edit.h"
#include "tools/session.h"

namespace cv::tools {

inline constexpr Option kKeystore{
    0, "keystore", "NAME", "the keystore, cryptostore1 and on: an existing one, or the name of a new one"};
inline constexpr Option kHandler{0, "handler", "HANDLER",
                                 "what keeps the key of a new store; luks2 if not given"};
inline constexpr Option kCipher{0, "cipher", "CIPHER", "of a new store; aes-xts-plain64 if not given"};
inline constexpr Option kKeySize{0, "key-size", "BITS", "of a new store; 512 if not given"};
inline constexpr Option kHash{0, "hash", "HASH", "of a new store; sha512 if not given"};
inline constexpr Option kSectorSize{0, "sector-size", "BYTES",
                                    "encryption sector of a new store; 512 if not given", "512|4096"};
/// Of one keystore.
inline constexpr unsigned kMostCopies = 16;

inline constexpr Option kCopies{0, "copies", "N",
                                "so many copies of a new store, each on another PV; up to 3 if not given"};
inline constexpr Option kNoKeyCheck{0, "no-key-check", "",
                                    "let a new plain or hashed store keep nothing that tells a wrong key"};

/// The options of a new store.
OptionGroup new_store_options();

/// --pbkdf and its like: how a new key slot is derived.
crypt::KdfOptions kdf_options(const Arguments& arguments);

/// What the command line says of a new store, as far as it can be told without a secret: enough to see
/// whether there is room. Throws Errc::unsupported, Errc::no_handler, Errc::usage.
metadata::NewKeystore requested_store(Session& session, const metadata::VolumeGroup& vg,
                                      const std::string& name);

/// Throws Errc::usage where options give attributes that the existing store does not have.
void require_consistent(const Arguments& arguments, const metadata::VolumeGroup& vg,
                        const metadata::LogicalVolume& store);

/// A store that is ready to be put into a group.
struct MadeStore {
  metadata::NewKeystore wanted;
  std::vector<std::byte> bytes;  ///< the handler's, for each copy
  activate::SharedKey key;
};
/// Asks for a secret, twice at a terminal, and makes the store's bytes and key. Throws Errc::refused where
/// another store has the same key already.
MadeStore make_store(Session& session, const metadata::Scan& scan, const metadata::VolumeGroup& vg,
                     metadata::NewKeystore wanted);

}  // namespace cv::tools
