#include "tools/handler_configuration.h"

#include <array>
#include <cerrno>

#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/config/tree.h"
#include "lib/crypt/trusted_path.h"

namespace cv::tools {

namespace {

using config::Tree;

constexpr std::size_t kLongestFile = std::size_t{1} << 20;
constexpr std::int64_t kPatience = 30;
constexpr std::int64_t kMostPatience = 3600;
constexpr std::int64_t kRegion = 64 << 10;
constexpr std::int64_t kLeastRegion = 4096;
constexpr std::int64_t kMostRegion = 16 << 20;

std::optional<std::string> text_of(const std::string& path, uid_t owner) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::nullopt;
  const Fd file = crypt::open_trusted(path, owner);
  std::string text;
  std::array<char, 4096> some{};
  for (;;) {
    const ssize_t got = ::read(file.get(), some.data(), some.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error(Errc::io, "{} can't be read: {}", path, errno_text(errno));
    if (got == 0) return text;
    text.append(some.data(), static_cast<std::size_t>(got));
    if (text.size() > kLongestFile) throw Error(Errc::damaged, "{} is too long", path);
  }
}

std::int64_t number(const Tree& section, std::string_view key, std::int64_t otherwise, std::int64_t least,
                    std::int64_t most) {
  const Tree* leaf = config::child(section, key);
  if (leaf == nullptr) return otherwise;
  const auto value = config::as_integer(*leaf);
  if (value && *value >= least && *value <= most) return *value;
  throw Error(Errc::damaged, "{} is no number from {} to {}", key, least, most);
}

crypt::CommandSpec spec_of(const Tree& section) {
  for (const auto& [key, leaf] : section)
    if (key != "command" && key != "timeout" && key != "region" && key != "secret")
      throw Error(Errc::damaged, "{} is not known", key)
          .advise("known are command, timeout, region and secret");
  crypt::CommandSpec spec;
  if (const Tree* command = config::child(section, "command")) {
    spec.words = config::as_strings(*command);
    if (spec.words.size() != command->data().items.size()) spec.words.clear();
  }
  if (spec.words.empty() || !spec.words.front().starts_with('/'))
    throw Error(Errc::damaged, "it names no program")
        .advise("write it as command = [ \"/path/of/program\", \"argument\" ]");
  spec.patience = std::chrono::seconds(number(section, "timeout", kPatience, 1, kMostPatience));
  spec.region = static_cast<std::uint64_t>(number(section, "region", kRegion, kLeastRegion, kMostRegion));
  spec.asks_secret = number(section, "secret", 0, 0, 1) == 1;
  return spec;
}

}  // namespace

std::optional<crypt::CommandSpec> configured_command(const std::string& path, uid_t owner,
                                                     std::string_view name) {
  if (path.empty()) return std::nullopt;
  const auto text = text_of(path, owner);
  if (!text) return std::nullopt;
  return during(path, [&]() -> std::optional<crypt::CommandSpec> {
    const Tree tree = config::read_tree(*text);
    const Tree* section = config::child(tree, name);
    if (section == nullptr) return std::nullopt;
    return during(name, [&] { return spec_of(*section); });
  });
}

}  // namespace cv::tools
