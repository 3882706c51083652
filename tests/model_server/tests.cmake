# A small model server: behind the gateway in the quick start and the SDK tests.
add_executable(model_server ${CMAKE_CURRENT_LIST_DIR}/model_server.cpp ${CMAKE_CURRENT_LIST_DIR}/answers.cpp)
target_link_libraries(model_server PRIVATE test_support CLI11::CLI11)
target_compile_options(model_server PRIVATE -O2)
