#include "contract/control.h"

#include "contract/wire_names.h"

namespace aerostat {

Permission permission_for(Command command) {
    switch (command) {
        case Command::status:
        case Command::jvms:
        case Command::ops:
        case Command::plan:
        case Command::doctor:
            return Permission::read;
        case Command::squeeze:
        case Command::give:
        case Command::release:
        case Command::cancel:
        case Command::pause:
        case Command::resume:
        case Command::reserve:
            return Permission::operate;
    }
    return Permission::operate;
}

std::string_view to_string(Command command) { return wire_name(command); }

}  // namespace aerostat
