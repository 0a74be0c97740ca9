#include "tools/configuration.h"

#include <algorithm>
#include <cctype>

#include <sys/utsname.h>
#include <unistd.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/device/text_file.h"

namespace cv::tools {

using device::read_text_file;

namespace {

enum class Kind { flag, number, text };
struct Heeded {
  std::string_view path;
  Kind kind;
};
/// The values that are passed over where they are of another kind. Lists, which say what devices may be
/// looked at, are not.
constexpr Heeded kHeeded[] = {
    {"devices/dir", Kind::text},
    {"devices/use_devicesfile", Kind::flag},
    {"devices/devicesfile", Kind::text},
    {"devices/allow_mixed_block_sizes", Kind::flag},
    {"global/locking_dir", Kind::text},
    {"global/wait_for_locks", Kind::flag},
    {"global/system_id_source", Kind::text},
    {"global/system_id_file", Kind::text},
    {"local/system_id", Kind::text},
    {"activation/udev_sync", Kind::flag},
    {"activation/udev_rules", Kind::flag},
    {"backup/backup", Kind::flag},
    {"backup/archive", Kind::flag},
    {"backup/backup_dir", Kind::text},
    {"backup/archive_dir", Kind::text},
    {"backup/retain_min", Kind::number},
    {"backup/retain_days", Kind::number},
    {"crypt/use_keyring", Kind::flag},
};

/// As LVM2 reads yes and no, in words or as a number.
std::optional<bool> as_flag(const config::Tree& leaf) {
  if (const auto number = config::as_integer(leaf)) return *number != 0;
  auto word = config::as_string(leaf).value_or("");
  for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (const char* yes : {"y", "yes", "on", "true"})
    if (word == yes) return true;
  for (const char* no : {"n", "no", "off", "false"})
    if (word == no) return false;
  return std::nullopt;
}

bool is_of_kind(const config::Tree& leaf, Kind kind) {
  switch (kind) {
    case Kind::flag: return as_flag(leaf).has_value();
    case Kind::number: return config::as_integer(leaf).has_value();
    case Kind::text: return config::as_string(leaf).has_value();
  }
  return true;
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::flag: return "0 or 1";
    case Kind::number: return "a number";
    case Kind::text: return "a text";
  }
  return "";
}

/// LVM2's rule: letters, digits and _ . - count, the rest is dropped, and it begins with a letter, digit or
/// underscore.
std::string legal_system_id(std::string_view raw) {
  std::string id;
  for (const char c : raw) {
    const bool first_ok = std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    const bool later_ok = first_ok || c == '.' || c == '-';
    if (id.empty() ? first_ok : later_ok) id += c;
  }
  return id.starts_with("localhost") ? std::string() : id;
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

std::string id_from_file(const Configuration& configuration) {
  const auto path = configuration.text("global/system_id_file");
  const auto text = path ? read_text_file(*path) : std::nullopt;
  if (!text) return {};
  // The first line that is no comment.
  for (std::string_view rest = *text; !rest.empty();) {
    const auto line = first_line(rest);
    if (!line.empty() && line.front() != '#') return legal_system_id(line);
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  return {};
}

}  // namespace

Configuration::Configuration(std::string folder, const std::vector<std::string>& overrides)
    : folder_(std::move(folder)) {
  for (auto one = overrides.rbegin(); one != overrides.rend(); ++one) {
    try {
      trees_.push_back(config::read_tree(*one));
    } catch (const Error& error) {
      throw Error(Errc::usage, "--config '{}' can't be understood: {}", *one, error.what())
          .advise("write it as 'section/key=value', texts in double quotes");
    }
  }
  for (const char* name : {"lvmlocal.conf", "lvm.conf"}) {
    const std::string path = fmt::format("{}/{}", folder_, name);
    const auto text = read_text_file(path);
    if (text) trees_.push_back(during(path, [&] { return config::read_tree(*text); }));
  }
  for (const auto& [path, kind] : kHeeded) {
    const auto* found = find(path);
    if (found != nullptr && !is_of_kind(*found, kind))
      log::warning("{} is set to what is not {}: it is passed over", path, kind_name(kind));
  }
}

const config::Tree* Configuration::find(std::string_view path) const {
  for (const auto& tree : trees_) {
    if (const auto* found = config::lookup(tree, path)) return found;
  }
  return nullptr;
}

std::optional<std::int64_t> Configuration::integer(std::string_view path) const {
  const auto* found = find(path);
  return found == nullptr ? std::nullopt : config::as_integer(*found);
}

std::optional<std::string> Configuration::text(std::string_view path) const {
  const auto* found = find(path);
  return found == nullptr ? std::nullopt : config::as_string(*found);
}

std::vector<std::string> Configuration::texts(std::string_view path) const {
  const auto* found = find(path);
  if (found == nullptr) return {};
  auto texts = config::as_strings(*found);
  if (texts.empty() || texts.size() != found->data().items.size())
    throw Error(Errc::usage, "{} is no list of texts", path)
        .advise("write it in lvm.conf or --config as {} = [ \"...\", \"...\" ]", path);
  return texts;
}

bool Configuration::flag(std::string_view path, bool otherwise) const {
  const auto* found = find(path);
  return found == nullptr ? otherwise : as_flag(*found).value_or(otherwise);
}

std::string host_system_id(const Configuration& configuration) {
  const auto source = configuration.text("global/system_id_source").value_or("none");
  if (source == "none") return {};
  if (source == "lvmlocal") return legal_system_id(configuration.text("local/system_id").value_or(""));
  if (source == "file") return id_from_file(configuration);
  if (source == "machineid")
    return legal_system_id(first_line(read_text_file("/etc/machine-id").value_or("")));
  if (source == "uname") {
    utsname names{};
    return uname(&names) == 0 ? legal_system_id(names.nodename) : std::string();
  }
  log::warning("global/system_id_source = \"{}\" is not known here: this host has no system id", source);
  return {};
}

}  // namespace cv::tools
