# docker/ and packaging/ against the program they deploy, without a container engine.
add_executable(deployment_test ${CMAKE_CURRENT_LIST_DIR}/deployment_test.cpp)
target_link_libraries(deployment_test PRIVATE sallyport_config test_support catch_main)
target_compile_definitions(deployment_test PRIVATE SOURCE_DIR="${PROJECT_SOURCE_DIR}")
add_test(NAME deployment COMMAND deployment_test)
set_tests_properties(deployment PROPERTIES LABELS unit TIMEOUT 60)
