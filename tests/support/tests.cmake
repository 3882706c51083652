# The harness: what the tests stand on. Its own test is in `unit`.
add_library(test_support STATIC
  ${CMAKE_CURRENT_LIST_DIR}/test_pki.cpp
  ${CMAKE_CURRENT_LIST_DIR}/wire.cpp
  ${CMAKE_CURRENT_LIST_DIR}/http_text.cpp
  ${CMAKE_CURRENT_LIST_DIR}/scripted_client.cpp
  ${CMAKE_CURRENT_LIST_DIR}/scripted_server.cpp
  ${CMAKE_CURRENT_LIST_DIR}/recording_pipe.cpp
  ${CMAKE_CURRENT_LIST_DIR}/softhsm.cpp
  ${CMAKE_CURRENT_LIST_DIR}/redis_server.cpp
  ${CMAKE_CURRENT_LIST_DIR}/source_tree.cpp
  ${CMAKE_CURRENT_LIST_DIR}/process.cpp)
target_include_directories(test_support PUBLIC ${PROJECT_SOURCE_DIR} PRIVATE ${PKCS11_INCLUDE})
target_link_libraries(test_support PUBLIC OpenSSL::SSL nlohmann_json::nlohmann_json Threads::Threads ${CMAKE_DL_LIBS})

add_executable(support_test ${CMAKE_CURRENT_LIST_DIR}/support_test.cpp)
target_link_libraries(support_test PRIVATE test_support catch_main)
add_test(NAME support COMMAND support_test)
set_tests_properties(support PROPERTIES LABELS unit TIMEOUT 120)

add_executable(memory_stream_test ${CMAKE_CURRENT_LIST_DIR}/memory_stream_test.cpp)
target_link_libraries(memory_stream_test PRIVATE sallyport_core catch_main)
add_test(NAME memory_stream COMMAND memory_stream_test)
set_tests_properties(memory_stream PROPERTIES LABELS unit TIMEOUT 60)
