<?php
// SPDX-License-Identifier: GPL-3.0-or-later
// Copyright the check_dualstack authors
//
// director_fields.php TEMPLATE: the fields that Icinga Director's form of a service template has, by its own code:
// JSON, by variable: "datatype" (the last word of the class), "description" and, of a list, the values to choose from.

use Icinga\Application\EmbeddedWeb;
use Icinga\Module\Director\Db;
use Icinga\Module\Director\Objects\DirectorDatalist;
use Icinga\Module\Director\Objects\DirectorDatalistEntry;
use Icinga\Module\Director\Objects\IcingaService;
use Icinga\Module\Director\Web\Form\IcingaObjectFieldLoader;

require_once '/usr/share/php/Icinga/Application/EmbeddedWeb.php';
EmbeddedWeb::start('/usr/share/icingaweb2');

$db = Db::fromResourceName('director_db');
$service = IcingaService::load(['object_type' => 'template', 'object_name' => $argv[1]], $db);
$result = [];
foreach ((new IcingaObjectFieldLoader($service))->getFields() as $name => $field) {
    $list = $field->getSetting('datalist_id');
    $result[$name] = [
        'datatype' => substr(strrchr($field->get('datatype'), '\\'), strlen('\\DataType')),
        'description' => $field->get('description'),
        'values' => $list === null ? null : array_map('strval', array_keys(
            DirectorDatalistEntry::loadAllForList(DirectorDatalist::loadWithAutoIncId($list, $db))
        )),
    ];
}
echo json_encode($result, JSON_THROW_ON_ERROR);
