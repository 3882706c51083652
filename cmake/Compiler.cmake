# Compiler settings that every target shares.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()
# -g1 keeps line numbers for backtraces at a fraction of the compile time.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -fstack-protector-strong)
add_compile_definitions($<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
add_link_options(-Wl,-z,relro,-z,now)

set(SALLYPORT_SANITIZE "" CACHE STRING "Sanitizers, e.g. address,undefined or thread")
if(SALLYPORT_SANITIZE)
  add_compile_options(-fsanitize=${SALLYPORT_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${SALLYPORT_SANITIZE})
  if(SALLYPORT_SANITIZE MATCHES undefined)
    add_compile_options(-fno-sanitize-recover=undefined)
    # Not this part of it, which clang before 17 cannot put in front of a coroutine; GCC has none.
    add_compile_options($<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
endif()

# One code folder, one library: sallyport_room(core SOURCES a.cpp … SEES core …)
function(sallyport_room name)
  cmake_parse_arguments(room "" "" "SOURCES;SEES;LINKS" ${ARGN})
  add_library(sallyport_${name} STATIC ${room_SOURCES})
  target_include_directories(sallyport_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  list(TRANSFORM room_SEES PREPEND sallyport_)
  target_link_libraries(sallyport_${name} PUBLIC ${room_SEES} ${room_LINKS})
endfunction()
