#include "lib/device/probe.h"

#include <blkid/blkid.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "lib/base/error.h"
#include "lib/base/handle.h"

namespace cv::device {
namespace {

using Probe = CHandle<blkid_struct_probe, blkid_free_probe>;

constexpr Bytes kEdge(4 << 20);
constexpr int kMostSignatures = 64;

/// The device's edges in a sparse file of its size. libblkid wants a descriptor, and this way it sees what
/// BlockDevice sees, past any page cache, on every kind of device.
class Edges {
 public:
  explicit Edges(BlockDevice& device) : file_(::memfd_create("cv-probe", MFD_CLOEXEC)), size_(device.size()) {
    if (!file_ || ::ftruncate(file_.get(), static_cast<off_t>(size_.n)) != 0)
      throw Error(Errc::io, "can't make room to look at {}: {}", device.path(), errno_text(errno));
    const Bytes head = std::min(kEdge, size_);
    const Bytes tail = std::max(head, Bytes(size_.n - std::min(kEdge, size_).n));
    copy(device, Bytes(0), head);
    copy(device, tail, size_ - tail);
  }

  int descriptor() const { return file_.get(); }

  void blank(const Signature& signature) {
    write(signature.offset, std::vector<std::byte>(static_cast<std::size_t>(signature.length.n)));
  }

 private:
  void copy(BlockDevice& device, Bytes at, Bytes length) {
    std::vector<std::byte> buffer(static_cast<std::size_t>(length.n));
    device.read(at, buffer);
    write(at, buffer);
  }

  void write(Bytes at, std::span<const std::byte> from) {
    while (!from.empty()) {
      const auto count = ::pwrite(file_.get(), from.data(), from.size(), static_cast<off_t>(at.n));
      if (count <= 0) throw Error(Errc::io, "can't keep a copy to look at: {}", errno_text(errno));
      from = from.subspan(static_cast<std::size_t>(count));
      at += Bytes(static_cast<std::uint64_t>(count));
    }
  }

  Fd file_;
  Bytes size_;
};

std::optional<std::string> value_of(const Probe& probe, const char* name) {
  const char* data = nullptr;
  std::size_t length = 0;
  if (blkid_probe_lookup_value(probe.get(), name, &data, &length) != 0 || data == nullptr)
    return std::nullopt;
  return std::string(data, length > 0 && data[length - 1] == '\0' ? length - 1 : length);
}

std::optional<Signature> signature_of(const Probe& probe, bool partitions) {
  const auto type = value_of(probe, partitions ? "PTTYPE" : "TYPE");
  const auto offset = value_of(probe, partitions ? "PTMAGIC_OFFSET" : "SBMAGIC_OFFSET");
  const char* magic = nullptr;
  std::size_t length = 0;
  blkid_probe_lookup_value(probe.get(), partitions ? "PTMAGIC" : "SBMAGIC", &magic, &length);
  if (!type || !offset || length == 0) return std::nullopt;
  return Signature{
      .type = *type, .offset = Bytes(std::strtoull(offset->c_str(), nullptr, 10)), .length = Bytes(length)};
}

/// The first signature that is not blanked yet. LVM2's own comes back too.
std::optional<Signature> next_signature(const Edges& edges, BlockDevice& device) {
  const Probe probe(blkid_new_probe());
  if (!probe || blkid_probe_set_device(probe.get(), edges.descriptor(), 0, 0) != 0)
    throw Error(Errc::io, "can't look for signatures on {}", device.path());
  blkid_probe_set_sectorsize(probe.get(), static_cast<unsigned>(device.block_size().n));
  blkid_probe_enable_superblocks(probe.get(), 1);
  blkid_probe_set_superblocks_flags(probe.get(),
                                    BLKID_SUBLKS_TYPE | BLKID_SUBLKS_MAGIC | BLKID_SUBLKS_BADCSUM);
  blkid_probe_enable_partitions(probe.get(), 1);
  blkid_probe_set_partitions_flags(probe.get(), BLKID_PARTS_MAGIC);

  while (blkid_do_probe(probe.get()) == 0) {
    for (const bool partitions : {false, true})
      if (auto found = signature_of(probe, partitions)) return found;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Signature> foreign_signatures(BlockDevice& device) {
  std::vector<Signature> all;
  if (device.size() < Bytes(kSectorBytes)) return all;
  Edges edges(device);
  // One signature hides others (a GPT its backup, an XFS the ext4 before it): blank it in the copy, look
  // again.
  for (int round = 0; round < kMostSignatures; ++round) {
    const auto found = next_signature(edges, device);
    if (!found) break;
    if (found->type != "LVM2_member") all.push_back(*found);
    edges.blank(*found);
  }
  return all;
}

std::vector<Signature> wipe_signatures(BlockDevice& device) {
  auto all = foreign_signatures(device);
  for (const auto& signature : all)
    device.write(signature.offset, std::vector<std::byte>(static_cast<std::size_t>(signature.length.n)));
  if (!all.empty()) device.flush();
  return all;
}

}  // namespace cv::device
