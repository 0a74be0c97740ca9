#include "activate/dm_mapper.h"

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <fstream>
#include <utility>

#include <libdevmapper.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "activate/kernel_error.h"
#include "lib/base/error.h"
#include "lib/base/handle.h"
#include "lib/base/log.h"
#include "lib/base/match.h"
#include "lib/base/undo.h"
#include "lib/crypt/registers.h"

namespace cv::activate {

namespace {

using Task = CHandle<dm_task, dm_task_destroy>;

constexpr std::string_view kUuidPrefix = "LVM-";
constexpr std::uint16_t kHiddenFlags =
    DM_UDEV_DISABLE_SUBSYSTEM_RULES_FLAG | DM_UDEV_DISABLE_DISK_RULES_FLAG | DM_UDEV_DISABLE_OTHER_RULES_FLAG;

/// libdevmapper's lines. What failed we say ourselves, from errno. While a device is suspended nothing may
/// be written: the log may lie on it.
void log_hook(int level, const char*, int, int, const char* format, ...) noexcept {
  if (dm_get_suspended_counter() > 0) return;
  std::array<char, 512> text{};
  va_list arguments;
  va_start(arguments, format);
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  va_end(arguments);
  if (length < 0) return;
  constexpr int kLevelMask = 7;  // above it stand flags (_LOG_STDERR, _LOG_ONCE)
  constexpr int kWarning = 4;
  log::line((level & kLevelMask) <= kWarning ? log::Level::debug : log::Level::trace, text.data());
}

Task new_task(int type) {
  Task task(dm_task_create(type));
  if (!task) throw Error(Errc::kernel, "device-mapper can't be used: {}", errno_text(errno));
  return task;
}

/// For requests that libdevmapper refuses only when memory is short.
void require(int outcome) {
  if (outcome == 0) throw Error(Errc::kernel, "libdevmapper has not enough memory");
}

void run_task(dm_task* task, std::string_view what) {
  if (dm_task_run(task) != 0) return;
  const int error_number = dm_task_get_errno(task);
  throw_kernel(error_number != 0 ? error_number : EIO, what);
}

/// Everything this process needs is in memory before a device is suspended: its program text may lie on that
/// device. An allocation must not wait for it either.
void get_ready_to_suspend() {
  if (::mlockall(MCL_CURRENT) != 0) {
    log::warning(
        "the memory of this command can't be locked ({}): if its program or a library lies on a volume that "
        "it "
        "suspends, it waits for itself",
        errno_text(errno));
    log::warning("raise the limit (ulimit -l), or run it with CAP_IPC_LOCK");
  }
#ifdef PR_SET_IO_FLUSHER
  ::prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
#endif
}

class DmMapper final : public Mapper {
 public:
  explicit DmMapper(std::string dev_dir) : dev_dir_(std::move(dev_dir)) {
    dm_log_with_errno_init(log_hook);
    require(dm_set_dev_dir(dev_dir_.c_str()));
    // Where no udevd runs libdevmapper would leave the nodes to it all the same.
    uses_udev_ = dm_udev_get_sync_support() != 0;
    if (!uses_udev_) dm_udev_set_sync_support(0);
  }

  ~DmMapper() override {
    wait_for_udev();
    dm_log_with_errno_init(nullptr);
    dm_lib_release();
  }

  std::optional<DeviceInfo> find_uuid(const std::string& uuid) override {
    const auto task = new_task(DM_DEVICE_INFO);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    return info_of(task.get(), uuid);
  }

  std::optional<DeviceInfo> find_name(const std::string& name) override {
    const auto task = new_task(DM_DEVICE_INFO);
    require(dm_task_set_name(task.get(), name.c_str()));
    return info_of(task.get(), name);
  }

  std::vector<DeviceInfo> list() override {
    const auto task = new_task(DM_DEVICE_LIST);
    run_task(task.get(), "listing the devices");
    std::vector<DeviceInfo> devices;
    const auto* names = dm_task_get_names(task.get());
    if (names == nullptr || names->dev == 0) return devices;
    for (;;) {
      const auto info = find_name(names->name);
      if (info && info->uuid.starts_with(kUuidPrefix)) devices.push_back(*info);
      if (names->next == 0) return devices;
      names = reinterpret_cast<const dm_names*>(reinterpret_cast<const char*>(names) + names->next);
    }
  }

  std::optional<Table> live_table(const std::string& uuid) override {
    const Undo last([] { crypt::wipe_registers(); });
    const auto task = new_task(DM_DEVICE_TABLE);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    require(dm_task_secure_data(task.get()));
    run_task(task.get(), fmt::format("reading the table of {}", uuid));
    Table table;
    void* next = nullptr;
    do {
      std::uint64_t start = 0;
      std::uint64_t length = 0;
      char* type = nullptr;
      char* params = nullptr;
      next = dm_get_next_target(task.get(), next, &start, &length, &type, &params);
      if (type == nullptr) break;
      auto target = parse_target(type, params == nullptr ? "" : params);
      if (!target) return std::nullopt;
      table.push_back({Sectors(start), Sectors(length), std::move(*target)});
    } while (next != nullptr);
    if (table.empty()) return std::nullopt;
    return table;
  }

  void run(const Operation& operation) override {
    match(
        operation, [&](const CreateDevice& create) { this->create(create); },
        [&](const LoadTable& load) { this->load(load); },
        [&](const ClearInactive& clear) { simple(DM_DEVICE_CLEAR, clear.uuid, "dropping the new table of"); },
        [&](const SuspendDevice& suspend) { this->suspend(suspend); },
        [&](const ResumeDevice& resume) { this->resume(resume); },
        [&](const RemoveDevice& remove) { this->remove(remove); },
        [&](const RenameDevice& rename) { this->rename(rename); },
        [&](const HideDevice& gone) { this->hide(gone); });
  }

  bool is_shown(const std::string& name, std::optional<DeviceNumber> number,
                const Publication& publication) override {
    const auto node = dev_dir_ + "/mapper/" + name;
    const auto link = dev_dir_ + "/" + publication.link;
    if (number) return leads_to(node, *number) && (publication.link.empty() || leads_to(link, *number));
    // What has gone is udev's business where it runs.
    if (uses_udev_ || (!is_node(node) && !is_link_to(link, name))) return true;
    return find_name(name).has_value();
  }

  std::optional<std::uint32_t> read_ahead(DeviceNumber number) override {
    std::ifstream file(read_ahead_file(number));
    std::uint32_t kib = 0;
    if (!(file >> kib)) return std::nullopt;
    return kib * 2;
  }

  void settle() override { wait_for_udev(); }

  std::optional<TargetVersion> target_version(const std::string& type) override {
    const auto task = new_task(DM_DEVICE_GET_TARGET_VERSION);
    require(dm_task_set_name(task.get(), type.c_str()));
    if (dm_task_run(task.get()) == 0) return std::nullopt;
    const auto* versions = dm_task_get_versions(task.get());
    if (versions == nullptr) return std::nullopt;
    return TargetVersion{versions->version[0], versions->version[1], versions->version[2]};
  }

 private:
  std::optional<DeviceInfo> info_of(dm_task* task, const std::string& what) {
    dm_info info{};
    run_task(task, fmt::format("asking for {}", what));
    if (dm_task_get_info(task, &info) == 0)
      throw Error(Errc::kernel, "device-mapper says nothing about {}", what);
    if (info.exists == 0) return std::nullopt;
    const char* name = dm_task_get_name(task);
    const char* uuid = dm_task_get_uuid(task);
    return DeviceInfo{.name = name == nullptr ? "" : name,
                      .uuid = uuid == nullptr ? "" : uuid,
                      .number = {info.major, info.minor},
                      .open_count = static_cast<std::uint32_t>(info.open_count),
                      .suspended = info.suspended != 0,
                      .has_live_table = info.live_table != 0,
                      .has_inactive_table = info.inactive_table != 0,
                      .read_only = info.read_only != 0};
  }

  DeviceInfo at(const std::string& uuid) {
    if (auto info = find_uuid(uuid)) return *info;
    throw Error(Errc::not_found, "there is no device with the uuid {}", uuid);
  }

  void simple(int type, const std::string& uuid, std::string_view verb) {
    const auto task = new_task(type);
    require(dm_task_set_uuid(task.get(), uuid.c_str()));
    run_for(task.get(), verb, uuid);
  }

  /// Nothing is asked or put into words unless it fails: a device may be suspended.
  void run_for(dm_task* task, std::string_view verb, const std::string& uuid) {
    if (dm_task_run(task) != 0) return;
    const int error_number = dm_task_get_errno(task);
    throw_kernel(error_number != 0 ? error_number : EIO, fmt::format("{} {}", verb, name_of(uuid)));
  }

  /// For sentences.
  std::string name_of(const std::string& uuid) {
    try {
      if (const auto info = find_uuid(uuid)) return info->name;
    } catch (const Error& error) {
      log::debug("{}", error.what());
    }
    return uuid;
  }

  void create(const CreateDevice& wanted) {
    const auto task = new_task(DM_DEVICE_CREATE);
    require(dm_task_set_name(task.get(), wanted.name.c_str()));
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    if (wanted.minor) require(dm_task_set_major_minor(task.get(), 0, static_cast<int>(*wanted.minor), 1));
    if (dm_task_run(task.get()) != 0) return;
    const int error_number = dm_task_get_errno(task.get());
    // ENXIO is the kernel's word for a number that is taken, too, and for none being left.
    if (error_number == EBUSY || error_number == ENXIO) throw_taken(wanted);
    if (error_number == ENXIO)
      throw Error(Errc::kernel, "creating {}: the kernel has no number left for another device", wanted.name)
          .advise("close devices that nobody needs (`dmsetup ls`)");
    throw_kernel(error_number != 0 ? error_number : EIO, fmt::format("creating {}", wanted.name));
  }

  /// The kernel has one answer to three questions.
  void throw_taken(const CreateDevice& wanted) {
    if (const auto other = find_name(wanted.name))
      throw Error(Errc::exists, "the device name {} is taken by a device with the uuid \"{}\"", wanted.name,
                  other->uuid);
    if (const auto other = find_uuid(wanted.uuid))
      throw Error(Errc::exists, "the device {} exists already, called {}", wanted.name, other->name);
    if (wanted.minor)
      throw Error(Errc::exists, "{} can't get the minor number {}, which another device has", wanted.name,
                  *wanted.minor)
          .advise(
              "close the other device (`dmsetup info` shows all numbers), or give this volume another one");
  }

  void load(const LoadTable& wanted) {
    const Undo last([] { crypt::wipe_registers(); });  // libdevmapper has copied the key
    const auto task = new_task(DM_DEVICE_RELOAD);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    if (holds_key_bytes(wanted.table)) require(dm_task_secure_data(task.get()));
    if (wanted.read_only) require(dm_task_set_ro(task.get()));
    for (const auto& line : wanted.table) {
      const auto params = target_params(line.target);
      require(dm_task_add_target(task.get(), line.start.n, line.length.n,
                                 std::string(target_type(line.target)).c_str(), params.data()));
    }
    if (dm_task_run(task.get()) != 0) return;
    const int error_number = dm_task_get_errno(task.get());
    throw_kernel(error_number != 0 ? error_number : EIO,
                 fmt::format("loading the table of {}", at(wanted.uuid).name));
  }

  void suspend(const SuspendDevice& wanted) {
    if (!std::exchange(is_ready_to_suspend_, true)) get_ready_to_suspend();
    // What the resume needs is there before.
    if (uses_udev_ && cookie_ == 0 && dm_udev_create_cookie(&cookie_) == 0) throw_no_cookie();
    simple(DM_DEVICE_SUSPEND, wanted.uuid, "suspending");
  }

  void resume(const ResumeDevice& wanted) {
    const auto task = new_task(DM_DEVICE_RESUME);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    try {
      set_cookie(task.get(), wanted.publication);
    } catch (const Error&) {
      // A device that stands still is worse than one that nobody waits for.
      const auto info = find_uuid(wanted.uuid);
      if (!info || !info->suspended) throw;
    }
    // Noted first: behind the resume nothing may fail. What did not appear is not shown.
    if (!uses_udev_ || wanted.read_ahead)
      appeared_.push_back({wanted.uuid, wanted.publication.link, wanted.read_ahead});
    run_for(task.get(), "resuming", wanted.uuid);
  }

  void hide(const HideDevice& wanted) {
    if (uses_udev_ || find_name(wanted.name)) return;
    make_or_remove_node(wanted.name);
    remove_link(wanted.name, wanted.publication.link);
  }

  void remove(const RemoveDevice& wanted) {
    const auto name = at(wanted.uuid).name;
    const auto task = new_task(DM_DEVICE_REMOVE);
    require(dm_task_set_uuid(task.get(), wanted.uuid.c_str()));
    set_cookie(task.get(), wanted.publication);
    run_task(task.get(), fmt::format("removing {}", name));
    std::erase_if(appeared_, [&](const Appeared& device) { return device.uuid == wanted.uuid; });
    if (uses_udev_) return;
    make_or_remove_node(name);
    remove_link(name, wanted.publication.link);
  }

  /// The kernel renames by name alone: it is looked up at the last moment.
  void rename(const RenameDevice& wanted) {
    const auto name = at(wanted.uuid).name;
    if (name == wanted.name) return;
    if (const auto other = find_name(wanted.name))
      throw Error(Errc::exists, "the device name {} is taken by a device with the uuid \"{}\"", wanted.name,
                  other->uuid);
    const auto task = new_task(DM_DEVICE_RENAME);
    require(dm_task_set_name(task.get(), name.c_str()));
    require(dm_task_set_newname(task.get(), wanted.name.c_str()));
    set_cookie(task.get(), wanted.publication);
    run_task(task.get(), fmt::format("renaming {} to {}", name, wanted.name));
    if (uses_udev_) return;
    make_or_remove_node(name);
    remove_link(name, wanted.former.link);
    std::erase_if(appeared_, [&](const Appeared& device) { return device.uuid == wanted.uuid; });
    appeared_.push_back({wanted.uuid, wanted.publication.link, std::nullopt});
  }

  void set_cookie(dm_task* task, const Publication& publication) {
    if (!uses_udev_) return;
    const auto flags = static_cast<std::uint16_t>((publication.hidden ? kHiddenFlags : 0) |
                                                  DM_UDEV_DISABLE_LIBRARY_FALLBACK);
    if (dm_task_set_cookie(task, &cookie_, flags) == 0) throw_no_cookie();
  }

  [[noreturn]] static void throw_no_cookie() {
    throw Error(Errc::kernel, "there is no semaphore left to wait for udev with")
        .advise(
            "`dmsetup udevcookies` lists those that ended commands have left, `dmsetup udevcomplete_all` "
            "removes them");
  }

  void wait_for_udev() noexcept {
    if (cookie_ != 0) dm_udev_wait(std::exchange(cookie_, 0));
    for (const auto& device : std::exchange(appeared_, {})) publish(device);
  }

  struct Appeared {
    std::string uuid;
    std::string link;
    std::optional<std::uint32_t> read_ahead;
  };

  /// Nodes and links wait until nothing is suspended any more: /dev may lie on what is.
  void publish(const Appeared& device) noexcept {
    try {
      const auto info = find_uuid(device.uuid);
      if (!info) return;
      if (device.read_ahead) set_read_ahead(*info, *device.read_ahead);
      if (uses_udev_) return;
      make_or_remove_node(info->name);
      make_link(info->name, device.link);
    } catch (const std::exception& error) {
      log::line(log::Level::warning, error.what());
    }
  }

  static std::string read_ahead_file(DeviceNumber number) {
    return "/sys/dev/block/" + to_text(number) + "/queue/read_ahead_kb";
  }

  static void set_read_ahead(const DeviceInfo& device, std::uint32_t sectors) {
    std::ofstream file(read_ahead_file(device.number));
    file << sectors / 2 << std::flush;
    if (!file) log::warning("the read-ahead of {} can't be set: {}", device.name, errno_text(errno));
  }

  void make_or_remove_node(const std::string& name) {
    // libdevmapper asks the kernel for the name: the node is made where there is such a device, else removed.
    if (dm_mknodes(name.c_str()) == 0) log::warning("the node of {} could not be made or removed", name);
    dm_task_update_nodes();
  }

  void make_link(const std::string& name, const std::string& link) {
    if (link.empty()) return;
    const auto path = dev_dir_ + "/" + link;
    const auto folder = path.substr(0, path.rfind('/'));
    const auto target = "../mapper/" + name;
    if (::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST)
      log::warning("{} can't be made: {}", folder, errno_text(errno));
    if (is_link(path)) ::unlink(path.c_str());
    if (::symlink(target.c_str(), path.c_str()) != 0)
      log::warning("the link {} can't be made: {}", path, errno_text(errno));
  }

  void remove_link(const std::string& name, const std::string& link) {
    const auto path = dev_dir_ + "/" + link;
    // Somebody else's link of that name stays.
    if (link.empty() || !is_link_to(path, name)) return;
    ::unlink(path.c_str());
    ::rmdir(path.substr(0, path.rfind('/')).c_str());
  }

  static bool is_link_to(const std::string& path, const std::string& name) {
    std::array<char, 512> target{};
    const auto length = ::readlink(path.c_str(), target.data(), target.size());
    return length >= 0 &&
           std::string_view(target.data(), static_cast<std::size_t>(length)).ends_with("/" + name);
  }

  /// A regular file of that name is somebody's mistake, but not ours.
  static bool is_node(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && (S_ISBLK(status.st_mode) || S_ISLNK(status.st_mode));
  }

  static bool leads_to(const std::string& path, DeviceNumber number) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) &&
           number == DeviceNumber{major(status.st_rdev), minor(status.st_rdev)};
  }

  static bool is_link(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
  }

  std::string dev_dir_;
  bool uses_udev_ = false;
  bool is_ready_to_suspend_ = false;
  std::uint32_t cookie_ = 0;
  std::vector<Appeared> appeared_;  ///< resumed, node and link still to be made
};

}  // namespace

bool kernel_has_device_mapper() {
  struct stat status {};
  if (::stat("/sys/class/misc/device-mapper", &status) != 0 && ::stat("/dev/mapper/control", &status) != 0)
    return false;
  dm_log_with_errno_init(log_hook);
  const Task task(dm_task_create(DM_DEVICE_VERSION));
  const bool answers = task && dm_task_run(task.get()) != 0;
  dm_log_with_errno_init(nullptr);
  return answers;
}

std::unique_ptr<Mapper> kernel_mapper(const std::string& dev_dir) {
  return std::make_unique<DmMapper>(dev_dir);
}

}  // namespace cv::activate
